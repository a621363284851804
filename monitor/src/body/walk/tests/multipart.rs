//! Multipart bodies; the boundary is `XX`.

use super::*;

fn parts(text: &str) -> Vec<String> {
    walk(Media::Multipart, text.replace('\n', "\r\n").as_bytes())
}

#[test]
fn fields_and_files() {
    let text = "ignored\n--XX\nContent-Disposition: form-data; name=\"a b\"\n\none\ntwo\n\
        --XX  \ncontent-disposition: form-data; name=file; filename=\"id.txt\"\nContent-Type: text/plain\n\nsecret\n\
        --XX\nContent-Disposition: form-data; name=meta\nContent-Type: application/json\n\n{\"id\":[7]}\n\
        --XX\nContent-Disposition: form-data; name=empty\n\n\n--XX--\nignored";
    assert_eq!(
        parts(text),
        ["/a b t one\\r\\ntwo", "/meta/id/~ n 7", "/empty t ", "! files"]
    );
}

#[test]
fn line_ends_of_lf_alone() {
    let text = b"--XX\nContent-Disposition: form-data; name=a\n\n1\n--XX\nContent-Disposition: form-data; name=b\n\n\n2\n--XX--";
    assert_eq!(walk(Media::Multipart, text), ["/a t 1", "/b t \\n2", "! bare-lf"]);
}

#[test]
fn what_looks_like_a_delimiter_is_data() {
    let head = "--XX\nContent-Disposition: form-data; name=a\n\n";
    for data in [
        "--X", "--XXY", "a--XX", "\n--XX-", "\r\r", "--XX-x", "--XX  y", "\n\n",
    ] {
        let lines = parts(&format!("{head}{data}\n--XX--"));
        let shown = data.replace('\n', "\r\n");
        assert_eq!(
            lines,
            [format!("/a t {}", shown.as_bytes().escape_ascii())],
            "{data:?}"
        );
    }
}

#[test]
fn parts_that_are_passed_over() {
    for (head, fact) in [
        (
            "Content-Disposition: form-data; name=a\nContent-Type: multipart/mixed; boundary=y",
            "! nested-parts",
        ),
        (
            "Content-Disposition: form-data; name=a\nContent-Transfer-Encoding: base64",
            "! coded-parts",
        ),
        (
            "Content-Disposition: form-data; name=a; filename*=utf-8''x",
            "! files",
        ),
        ("X: y", "! broken-part"),
    ] {
        let text =
            format!("--XX\n{head}\n\nsecret\n--XX\nContent-Disposition: form-data; name=b\n\n1\n--XX--\n");
        assert_eq!(parts(&text), ["/b t 1", fact], "{head}");
    }
    let long = format!("--XX\nX: {}\n\nsecret\n--XX--", "x".repeat(5000));
    assert_eq!(parts(&long), ["! broken-part"]);
}

#[test]
fn one_broken_part_does_not_hide_the_next() {
    let part = |name: &str, text: &str| {
        format!(
            "--XX\nContent-Disposition: form-data; name={name}\nContent-Type: application/json\n\n{text}\n"
        )
    };
    let text = part("a", "{\"x\":1,nonsense") + &part("b", "{\"x\":") + &part("c", "[2]") + "--XX--";
    assert_eq!(parts(&text), ["/a/x n 1", "/c/~ n 2", "! broken"]);
}

#[test]
fn repeated_names_and_missing_ends() {
    let part = "--XX\nContent-Disposition: form-data; name=a\n\n1\n";
    assert_eq!(
        parts(&format!("{part}{part}--XX--")),
        ["/a t 1", "/a t 1", "! duplicate-name"]
    );
    assert_eq!(
        parts(&format!(
            "{part}--XX\nContent-Disposition: form-data; name=b\n\n2"
        )),
        ["/a t 1", "! broken"]
    );
    assert_eq!(parts("nothing"), ["! broken"]);
}

#[test]
fn a_boundary_is_needed() {
    for boundary in [None, Some(&b""[..]), Some(&[b'x'; 300][..])] {
        let mut walker = Walker::new(&BodyLimits::default());
        walker.begin(Media::Multipart, boundary);
        assert_eq!(walker.going(), Going::Stopped);
        assert!(walker.facts().contains(BodyFact::NoBoundary));
    }
}

const WORDS: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "--XX",
    "--XX\r\n",
    "--XX--",
    "-",
    " ",
    "X",
    "\r\n\r\n",
    "\r\n--XX\r\n",
    "Content-Disposition: form-data; name=a\r\n\r\n",
    "Content-Disposition: form-data; name=b\r\n",
    "Content-Type: application/json\r\n\r\n",
    "{\"a\":1}",
    "{",
    "value",
    "; filename=x",
    "aaaaaaaaaaaaaaaaaaaa",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_do_not_matter(
        text in text_of(WORDS),
        whole in any::<bool>(),
        sizes in prop::collection::vec(1usize..9, 1..20),
    ) {
        check_pieces(Media::Multipart, &text, whole, &sizes)?;
    }
}
