//! A real browser without a window, Debian's Chromium, spoken to over a pair of pipes (the Chrome `DevTools` Protocol,
//! messages of JSON that end with a zero byte). Must not know which page is looked at.

#![expect(
    clippy::indexing_slicing,
    reason = "a key that a JSON value does not have is null"
)]

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

/// How long an answer of the browser, or the loading of a page, may take. A loaded machine starts it slowly.
const PATIENCE: Duration = Duration::from_mins(2);

/// What keeps it from looking for anything on the network, and from needing a sandbox of its own (it is run as root).
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
];

/// A running browser with one page; killed when dropped.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    session: Option<String>,
    calls: u64,
    /// Everything it told of by itself since the last page was opened.
    events: Vec<Value>,
}

impl Browser {
    /// Starts one with its files in `dir`.
    pub fn start(dir: &Path) -> Result<Self> {
        let [to, from] = ["to-browser", "from-browser"].map(|name| dir.join(name));
        for pipe in [&to, &from] {
            mknodat(CWD, pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).context("cannot make a pipe")?;
        }
        // The shell gives the browser the descriptors 3 and 4, where it looks for its pipes.
        let script = r#"to="$1"; from="$2"; shift 2; exec chromium "$@" 3<"$to" 4>"$from""#;
        let child = Command::new("sh")
            .args(["-c", script, "sh"])
            .args([&to, &from])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", dir.join("profile").display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(dir.join("browser.err"))?)
            .spawn()
            .context("cannot start chromium; `cargo xtask test` installs it")?;
        // Both ways at once: opening waits for the other end, which is not there where the browser is not. Reading and
        // writing both keeps that from hanging.
        let open = |path: &PathBuf| OpenOptions::new().read(true).write(true).open(path);
        let (to, from) = (open(&to)?, open(&from)?);
        let mut browser = Self {
            child,
            to,
            from: listen(from),
            session: None,
            calls: 0,
            events: Vec::new(),
        };
        browser.attach()?;
        Ok(browser)
    }

    fn attach(&mut self) -> Result<()> {
        let target = self.call("Target.createTarget", &json!({"url": "about:blank"}))?;
        let attached = self.call(
            "Target.attachToTarget",
            &json!({"targetId": target["targetId"], "flatten": true}),
        )?;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(())
    }

    /// Opens a file in a window so many pixels wide, and waits until it is loaded.
    pub fn open(&mut self, file: &Path, width: u32, dark: bool) -> Result<()> {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}),
        )?;
        let scheme = if dark { "dark" } else { "light" };
        let feature = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", &json!({"features": feature}))?;
        self.events.clear();
        self.call(
            "Page.navigate",
            &json!({"url": format!("file://{}", file.display())}),
        )?;
        while !self
            .events
            .iter()
            .any(|event| event["method"] == "Page.loadEventFired")
        {
            let message = self.next()?;
            self.events.push(message);
        }
        // Whatever the page still has to say comes before the answer to this.
        self.value("document.readyState").map(drop)
    }

    /// What an expression is in the page.
    pub fn value(&mut self, expression: &str) -> Result<Value> {
        let answer = self.call(
            "Runtime.evaluate",
            &json!({"expression": expression, "returnByValue": true}),
        )?;
        if !answer["exceptionDetails"].is_null() {
            bail!("{expression}: {}", answer["exceptionDetails"]);
        }
        Ok(answer["result"]["value"].clone())
    }

    /// The addresses that the page has asked for.
    pub fn requests(&self) -> Vec<String> {
        let asked = self.told("Network.requestWillBeSent");
        asked
            .filter_map(|event| event["params"]["request"]["url"].as_str().map(str::to_owned))
            .collect()
    }

    /// What stands on its console: errors, violations of its policy, uncaught exceptions.
    pub fn complaints(&self) -> Vec<String> {
        [
            "Log.entryAdded",
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
        ]
        .into_iter()
        .flat_map(|method| self.told(method))
        .map(|event| event["params"].to_string())
        .collect()
    }

    /// A picture of the whole page, PNG.
    pub fn picture(&mut self) -> Result<Vec<u8>> {
        let answer = self.call("Page.captureScreenshot", &json!({"captureBeyondViewport": true}))?;
        let data = answer["data"].as_str().context("no picture")?;
        Ok(STANDARD.decode(data)?)
    }

    /// The page printed on A4, PDF.
    pub fn print(&mut self) -> Result<Vec<u8>> {
        let params = json!({"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": true});
        let answer = self.call("Page.printToPDF", &params)?;
        let data = answer["data"].as_str().context("nothing is printed")?;
        Ok(STANDARD.decode(data)?)
    }

    /// Shows the page as it would be printed (`print`) or shown (`screen`).
    pub fn media(&mut self, media: &str) -> Result<()> {
        self.call("Emulation.setEmulatedMedia", &json!({"media": media}))?;
        Ok(())
    }

    fn told<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["method"] == method)
    }

    fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).context("the browser does not listen")?;
        loop {
            let answer = self.next().with_context(|| method.to_owned())?;
            if answer["id"] == json!(self.calls) {
                if answer["error"].is_null() {
                    return Ok(answer["result"].clone());
                }
                bail!("{method}: {}", answer["error"]);
            }
            self.events.push(answer);
        }
    }

    fn next(&mut self) -> Result<Value> {
        let message = self.from.recv_timeout(PATIENCE);
        message.map_err(|_| match self.child.try_wait() {
            Ok(Some(status)) => anyhow!("chromium has ended: {status}"),
            _ => anyhow!("chromium says nothing"),
        })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill, and waiting is harmless.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads its messages on a thread, so that waiting for one has an end.
fn listen(from: File) -> Receiver<Value> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut message = Vec::new();
        while from.read_until(0, &mut message).is_ok_and(|bytes| bytes > 0) {
            message.pop();
            let Ok(value) = serde_json::from_slice(&message) else {
                return;
            };
            if tell.send(value).is_err() {
                return;
            }
            message.clear();
        }
    });
    told
}
