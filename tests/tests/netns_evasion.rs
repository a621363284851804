//! Who writes requests so that a server reads them and others do not: read where there is one reading, told of where
//! there are two. A real nginx answers, behind the real kernel path, with no port named.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::time::Duration;

use apimon_tests::{
    daemon::Apimon,
    nginx::Nginx,
    process,
    site::{HOST_V4, INTERFACE, PORT, Site},
    wait,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Sends `bytes` (as printf writes them) on a connection of its own and returns what comes back.
fn say(site: &Site, bytes: &str) -> String {
    let script = format!("exec 3<>/dev/tcp/{HOST_V4}/{PORT}; printf '{bytes}' >&3; timeout 10 cat <&3");
    process::output(site.clients.command("bash").args(["-c", &script])).unwrap()
}

#[test]
fn nobody_hides_behind_the_way_a_request_is_written() {
    let site = Site::build("evasion", &[]).unwrap();
    let _nginx = Nginx::start(
        &site.host,
        site.lab().dir(),
        PORT,
        "location / { return 200 'ok'; }",
    )
    .unwrap();
    let apimon = Apimon::new(site.lab()).flag(&["--mode", "enforce", "--interface", INTERFACE]);
    let _daemon = apimon.start(&site.host).unwrap();
    let read = || apimon.client().status().unwrap().totals.transactions;

    // nginx passes over empty lines and takes any minor version for 1.1: so they are read.
    let end = "Host: a\\r\\nConnection: close\\r\\n\\r\\n";
    for (number, start) in [
        "\\r\\n\\r\\nGET /seen HTTP/1.1",
        "\\r\\nGET /seen HTTP/1.10",
        "GET /seen HTTP/1.7",
    ]
    .iter()
    .enumerate()
    {
        let answer = say(&site, &format!("{start}\\r\\n{end}"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        wait::until_true("the transaction", PATIENCE, || read() == number as u64 + 1).unwrap();
    }
    assert_eq!(apimon.client().cases().unwrap().len(), 0);

    // It also takes a bare LF behind a chunk extension for the end of the line, which others do not.
    let answer = say(
        &site,
        &format!(
            "POST /a HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n2;a\\nhi\\r\\n0\\r\\n\\r\\n\
             GET /hidden HTTP/1.1\\r\\n{end}"
        ),
    );
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    wait::until_true("a case", PATIENCE, || {
        apimon.client().cases().is_ok_and(|cases| !cases.is_empty())
    })
    .unwrap();
    let cases = apimon.client().cases().unwrap();
    assert_eq!((cases.len(), cases[0].rule.as_str()), (1, "evasion"));
    let told = apimon.ask(&["case", &cases[0].number.to_string()]).unwrap();
    assert!(told.contains("invalid-chunk-extension"), "{told}");
    assert!(cases[0].actor.starts_with("client:"), "{told}");
    let status = apimon.client().status().unwrap();
    assert_eq!(
        status.totals.dropped, 0,
        "it is written down, and nobody is blocked"
    );
    assert!(say(&site, &format!("GET / HTTP/1.1\\r\\n{end}")).contains("ok"));
}
