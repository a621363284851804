//! Writes the seeds of the fuzz targets, from the fixtures and by construction: `fuzz-seeds DIRECTORY`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use apimon::stream::Side;
use apimon_tests::{
    frames::Shape,
    script,
    transcript::{Step, Transcript},
    workload,
};

fn main() -> Result<()> {
    let to: PathBuf = std::env::args_os().nth(1).context("fuzz-seeds DIRECTORY")?.into();
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for (name, transcript) in transcripts(&fixtures.join("http"))? {
        seed(
            &to,
            "http",
            &name,
            &[&[3], &script::from_transcript(&transcript)[..]].concat(),
        )?;
    }
    for (name, transcript) in transcripts(&fixtures.join("bodies"))? {
        seed(
            &to,
            "http",
            &name,
            &[&[3], &script::from_transcript(&transcript)[..]].concat(),
        )?;
        for (at, body) in bodies(&transcript).enumerate() {
            for (kind, how) in kinds(&name) {
                let text = [&[kind, how, 3], &body[..]].concat();
                seed(&to, "body", &format!("{name}-{at}-{kind}-{how}"), &text)?;
            }
        }
    }
    for (name, body) in BODIES {
        for kind in 0..4 {
            seed(
                &to,
                "body",
                &format!("{name}-{kind}"),
                &[&[kind, 0, 2], body.as_bytes()].concat(),
            )?;
        }
    }
    streams(&to)?;
    seed(&to, "wire", "v4", &Shape::tcp(b"hello").build())?;
    seed(&to, "wire", "v6", &Shape::tcp_v6(&[], b"hello").build())?;
    let mut capture = Vec::new();
    workload::write_capture(&mut capture, 4)?;
    seed(&to, "capture", "workload", &capture)
}

/// Bodies as they are walked. The boundary of the target is `XX`.
const BODIES: [(&str, &str); 5] = [
    (
        "json",
        r#"{"id":1,"a":[{"b":"\u00e9\ud83d\ude00\n"},true,null,-1.5e3],"id":NaN,}"#,
    ),
    ("lines", "\u{1e}{\"a\":1}\n\u{1e}[2]\n"),
    ("guard", ")]}',\n[1,{\"x/y~\":\"z\"}]"),
    ("form", "a=1&b=x+y%20%zz&a=2;c"),
    (
        "parts",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX  \nContent-Disposition: form-data; name=b; \
         filename=c\r\n\r\n\r\n--X\r\n--XX\r\nContent-Disposition: form-data; name=j\r\nContent-Type: \
         application/json\r\n\r\n{\"id\":7}\r\n--XX--\r\n",
    ),
];

/// Media and coding of the target for a fixture.
fn kinds(name: &str) -> Vec<(u8, u8)> {
    let coding = match name {
        "gzip" | "x-gzip" => 1,
        "deflate-raw" | "deflate-zlib" => 2,
        "brotli" => 3,
        "zstd" => 4,
        "two-codings" => 5,
        _ => 0,
    };
    let media = match name {
        "form" => 1,
        "multipart" => 2,
        _ => 0,
    };
    if coding > 0 {
        vec![(media, coding << 2)]
    } else {
        vec![(media, 0), (media, 7 << 2)]
    }
}

/// Conversations of the stream target: in order, backwards, with repetitions; and segments of all kinds.
fn streams(to: &Path) -> Result<()> {
    let plan = |parts: &[[u8; 3]]| [&[0, 0, 0, 3, 232, 255, 255, 255, 250][..], &parts.concat()].concat();
    seed(
        to,
        "stream",
        "in-order",
        &plan(&[[0, 0, 100], [0, 100, 140], [1, 0, 250]]),
    )?;
    seed(
        to,
        "stream",
        "backwards",
        &plan(&[[0, 200, 40], [0, 100, 100], [0, 0, 100], [1, 30, 250], [1, 0, 40]]),
    )?;
    let handshake = [
        [0, 2, 0, 39, 0, 0, 0, 0],
        [1, 18, 0, 39, 0, 40, 0, 0],
        [0, 16, 0, 40, 0, 40, 10, 0],
    ];
    let rest = [
        [1, 16, 0, 40, 0, 50, 20, 0],
        [0, 17, 0, 60, 0, 60, 5, 3],
        [1, 4, 0, 60, 0, 60, 0, 0],
    ];
    let hostile = [
        &[1, 0, 0, 3, 232, 0, 0, 35, 40][..],
        &handshake.concat(),
        &rest.concat(),
    ]
    .concat();
    seed(to, "stream", "hostile", &hostile)
}

fn bodies(transcript: &Transcript) -> impl Iterator<Item = Vec<u8>> {
    let said = |side: Side| {
        let mut bytes = Vec::new();
        for step in &transcript.steps {
            match step {
                Step::Data {
                    side: of,
                    bytes: said,
                    ..
                } if *of == side => bytes.extend(said),
                _ => {}
            }
        }
        bytes
    };
    [Side::Opener, Side::Other]
        .map(said)
        .into_iter()
        .filter_map(|text| {
            let head = text.windows(4).position(|end| end == b"\r\n\r\n")?;
            text.get(head + 4..)
                .filter(|body| !body.is_empty())
                .map(<[u8]>::to_vec)
        })
}

fn transcripts(folder: &Path) -> Result<Vec<(String, Transcript)>> {
    fs::read_dir(folder)?
        .map(|entry| {
            let path = entry?.path();
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Ok((name, Transcript::parse(&fs::read_to_string(path)?)))
        })
        .collect()
}

fn seed(to: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    let folder = to.join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes).with_context(|| format!("cannot write a seed of {target}"))
}
