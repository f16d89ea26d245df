//! Headless Chromium, driven over its `DevTools` protocol by the harness's own WebSocket.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use tidings_tests::{Connection, WebSocket, peer};

use crate::commands::Folder;

const LONG: Duration = Duration::from_secs(30);

/// One browser with one page.
pub(crate) struct Browser {
    child: Child,
    page: WebSocket,
    asked: u64,
    _profile: Folder,
}

impl Browser {
    /// Opens a page; `None`, said loudly, where Chromium is missing.
    pub(crate) fn open(url: &str) -> Option<Self> {
        let program = peer::program("chromium")?;
        let profile = Folder::new("chromium");
        let mut child = Command::new(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .arg("--disable-dev-shm-usage")
            .arg("--remote-debugging-port=0")
            .arg(format!("--user-data-dir={}", profile.0.display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Chromium starts");
        let stderr = BufReader::new(child.stderr.take().expect("stderr"));
        let mut lines = stderr.lines().map_while(Result::ok);
        let address: SocketAddr = lines
            .find_map(|line| {
                let rest = line.strip_prefix("DevTools listening on ws://")?;
                rest.split('/').next()?.parse().ok()
            })
            .expect("Chromium says where its DevTools listen");
        // Read on, so that a browser that says more never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let start = Instant::now();
        let target = loop {
            let list = Connection::open(address)
                .request("GET", "/json/list", &[], b"")
                .json();
            let target = list
                .as_array()
                .and_then(|targets| targets.iter().find(|target| target["type"] == "page"));
            if let Some(url) = target.and_then(|target| target["webSocketDebuggerUrl"].as_str()) {
                break url.to_owned();
            }
            assert!(start.elapsed() < LONG, "Chromium has no page: {list}");
            std::thread::sleep(Duration::from_millis(50));
        };
        let path = target.splitn(4, '/').nth(3).expect("the path of the page");
        let page = WebSocket::bare(address, &format!("/{path}"));
        let mut browser = Self {
            child,
            page,
            asked: 0,
            _profile: profile,
        };
        browser.call("Page.navigate", &json!({"url": url}));
        Some(browser)
    }

    /// Calls a method of the `DevTools` protocol: its result.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        self.page
            .send_json(&json!({"id": self.asked, "method": method, "params": params}));
        loop {
            let answer = self.page.json();
            if answer["id"] == self.asked {
                assert!(answer["error"].is_null(), "{method} {params}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Gives the value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true});
        let result = self.call("Runtime.evaluate", &params);
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {result}"
        );
        result["result"]["value"].clone()
    }

    /// Waits until an expression has a value.
    pub(crate) fn awaits(&mut self, expression: &str, want: &Value) {
        let start = Instant::now();
        loop {
            let value = self.value(expression);
            if value == *want {
                return;
            }
            assert!(
                start.elapsed() < LONG,
                "{expression} is {value}, not {want}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
