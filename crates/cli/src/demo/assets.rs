//! The parts of the page, each embedded in the command, and the field lines that they are served
//! under.

use core::hash::Hasher;
use std::hash::DefaultHasher;

use tidings_server::http1::RequestHead;
use tidings_server::polling::if_none_match;
use tidings_server::serve::Response;

/// Nothing from outside, nothing inline, no frame around it, and no string becomes markup or script.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The same for a page that compiles a module of WebAssembly, which its origin serves too.
const POLICY_WITH_MODULE: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; \
                                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                                  require-trusted-types-for 'script'; trusted-types 'none'";

const CSS: &str = "text/css; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const WASM: &str = "application/wasm";
/// Types in the language TypeScript: its registered media type is that of a video.
const TEXT: &str = "text/plain; charset=utf-8";

/// One file.
#[derive(Debug)]
pub(crate) struct Asset {
    path: &'static str,
    media_type: &'static str,
    content: &'static [u8],
    policy: &'static str,
}

const fn asset(path: &'static str, media_type: &'static str, content: &'static str) -> Asset {
    Asset {
        path,
        media_type,
        content: content.as_bytes(),
        policy: POLICY,
    }
}

/// The library for pages, which those of other programs use too.
const LIBRARY: [Asset; 4] = [
    asset("/tidings.js", JS, include_str!("pages/tidings.js")),
    asset(
        "/tidings-readers.js",
        JS,
        include_str!("pages/tidings-readers.js"),
    ),
    asset(
        "/tidings-websocket.js",
        JS,
        include_str!("pages/tidings-websocket.js"),
    ),
    asset("/tidings.d.ts", TEXT, include_str!("pages/tidings.d.ts")),
];

const PAGES: [Asset; 32] = [
    asset("/", HTML, include_str!("pages/index.html")),
    asset("/demo/icon.svg", SVG, include_str!("pages/icon.svg")),
    asset("/demo/base.css", CSS, include_str!("pages/base.css")),
    asset("/demo/panels.css", CSS, include_str!("pages/panels.css")),
    asset("/demo/compare.css", CSS, include_str!("pages/compare.css")),
    asset("/demo/page.js", JS, include_str!("pages/page.js")),
    asset("/demo/tabs.js", JS, include_str!("pages/tabs.js")),
    asset("/demo/dom.js", JS, include_str!("pages/dom.js")),
    asset("/demo/fields.js", JS, include_str!("pages/fields.js")),
    asset("/demo/words.js", JS, include_str!("pages/words.js")),
    asset("/demo/source.js", JS, include_str!("pages/source.js")),
    asset("/demo/audit.js", JS, include_str!("pages/audit.js")),
    asset("/demo/link.js", JS, include_str!("pages/link.js")),
    asset("/demo/place.js", JS, include_str!("pages/place.js")),
    asset("/demo/clock.js", JS, include_str!("pages/clock.js")),
    asset("/demo/latency.js", JS, include_str!("pages/latency.js")),
    asset("/demo/plot.js", JS, include_str!("pages/plot.js")),
    asset("/demo/natural.js", JS, include_str!("pages/natural.js")),
    asset("/demo/dashboard.js", JS, include_str!("pages/dashboard.js")),
    asset(
        "/demo/notifications.js",
        JS,
        include_str!("pages/notifications.js"),
    ),
    asset("/demo/ticker.js", JS, include_str!("pages/ticker.js")),
    asset("/demo/chat.js", JS, include_str!("pages/chat.js")),
    asset("/demo/compare.js", JS, include_str!("pages/compare.js")),
    asset("/demo/card.js", JS, include_str!("pages/card.js")),
    Asset {
        policy: POLICY_WITH_MODULE,
        ..asset("/playground", HTML, include_str!("pages/playground.html"))
    },
    asset(
        "/demo/playground.css",
        CSS,
        include_str!("pages/playground.css"),
    ),
    asset(
        "/demo/playground.js",
        JS,
        include_str!("pages/playground.js"),
    ),
    asset(
        "/demo/playground-view.js",
        JS,
        include_str!("pages/playground-view.js"),
    ),
    asset(
        "/demo/playground-octets.js",
        JS,
        include_str!("pages/playground-octets.js"),
    ),
    asset(
        "/demo/playground-examples.js",
        JS,
        include_str!("pages/playground-examples.js"),
    ),
    asset(
        "/demo/playground-module.js",
        JS,
        include_str!("pages/playground-module.js"),
    ),
    // Compiled from `crates/playground` by its `build.sh`.
    Asset {
        path: "/demo/playground.wasm",
        media_type: WASM,
        content: include_bytes!("pages/playground.wasm"),
        policy: POLICY,
    },
];

/// The parts of the wire view, which has more of the demo's: see [`SHARED`].
const WIRE: [Asset; 8] = [
    asset("/wire", HTML, include_str!("../wire/pages/wire.html")),
    asset(
        "/wire/wire.css",
        CSS,
        include_str!("../wire/pages/wire.css"),
    ),
    asset("/wire/page.js", JS, include_str!("../wire/pages/page.js")),
    asset("/wire/trace.js", JS, include_str!("../wire/pages/trace.js")),
    asset("/wire/lane.js", JS, include_str!("../wire/pages/lane.js")),
    asset(
        "/wire/inspect.js",
        JS,
        include_str!("../wire/pages/inspect.js"),
    ),
    asset("/wire/bits.js", JS, include_str!("../wire/pages/bits.js")),
    asset(
        "/wire/roving.js",
        JS,
        include_str!("../wire/pages/roving.js"),
    ),
];

/// What the wire view has of the demo, which may be off.
const SHARED: [&str; 5] = [
    "/demo/base.css",
    "/demo/icon.svg",
    "/demo/dom.js",
    "/demo/place.js",
    "/demo/words.js",
];

/// The part of the library at a path.
pub(crate) fn library(path: &str) -> Option<&'static Asset> {
    LIBRARY.iter().find(|asset| asset.path == path)
}

/// The part of the page at a path.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    PAGES.iter().find(|asset| asset.path == path)
}

/// The part of the wire view at a path.
pub(crate) fn wire_page(path: &str) -> Option<&'static Asset> {
    let shared = SHARED.contains(&path).then(|| find(path)).flatten();
    WIRE.iter().find(|asset| asset.path == path).or(shared)
}

impl Asset {
    /// Answers a request for this file: 304 where the client has it.
    pub(crate) fn answer(&self, head: &RequestHead) -> Response {
        if !matches!(head.method(), "GET" | "HEAD") {
            return Response::problem(405, "the resource does not have this method")
                .with("Allow", "GET, HEAD");
        }
        let tag = self.tag();
        let known = if_none_match(head.fields().get_all("If-None-Match")).matches(&tag);
        let response = if known {
            Response::new(304)
        } else {
            Response::bytes(200, self.media_type, self.content)
                .with("Content-Security-Policy", self.policy)
        };
        let response = response
            .with("ETag", format!("\"{tag}\""))
            // Asked for again each time, answered 304: a page and its parts are of one version.
            .with("Cache-Control", "no-cache")
            .with("X-Content-Type-Options", "nosniff")
            .with("Referrer-Policy", "no-referrer")
            .with("Vary", "Origin");
        // The guard has let this origin pass, so it is named; the library is for its pages too.
        match head.fields().get_str("Origin") {
            Some(origin) => response.with("Access-Control-Allow-Origin", origin.to_owned()),
            None => response,
        }
    }

    /// Tells one content from another.
    fn tag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.content);
        format!("{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of a file of text; nothing of a module.
    fn text(asset: &Asset) -> &'static str {
        core::str::from_utf8(asset.content).unwrap_or_default()
    }

    #[test]
    fn a_page_names_only_parts_that_there_are() {
        for asset in PAGES.iter().chain(&WIRE).chain(&LIBRARY) {
            let folder = asset.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for quoted in text(asset).split(['"', '\'']) {
                let path = match quoted.strip_prefix("./") {
                    Some(name) if quoted.contains(".js") || quoted.contains(".wasm") => {
                        format!("{folder}/{name}")
                    }
                    Some(_) | None if quoted.starts_with("demo/") => format!("{folder}/{quoted}"),
                    Some(_) | None => quoted.to_owned(),
                };
                let is_file = path.starts_with("/tidings") && path.ends_with(".js")
                    || (path.starts_with("/demo/") || path.starts_with("/wire/"))
                        && path.contains('.')
                        && !path.contains('?');
                if is_file {
                    // Without the demo the wire view has what is shared with it.
                    let alone = asset.path.starts_with("/wire");
                    let page = if alone { wire_page(&path) } else { find(&path) };
                    let found = page.or_else(|| library(&path));
                    assert!(found.is_some(), "{} names {path}", asset.path);
                }
            }
        }
    }

    #[test]
    fn nothing_is_inline_and_nothing_comes_from_outside() {
        for asset in PAGES.iter().chain(&WIRE).chain(&LIBRARY) {
            let (at, content) = (asset.path, text(asset));
            for refused in [
                "https://",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "eval(",
            ] {
                assert!(!content.contains(refused), "{at} has {refused}");
            }
            if asset.media_type == HTML {
                assert!(!content.contains("<style"), "{at}");
                assert!(!content.contains(" style="), "{at}");
                assert!(!content.contains(" onclick="), "{at}");
                for script in content.split("<script").skip(1) {
                    let own = ["/demo/", "demo/", "/wire/"];
                    let is_ours = own
                        .iter()
                        .any(|folder| script.contains(&format!("src=\"{folder}")));
                    assert!(is_ours && script.contains("></script>"), "{at}");
                }
            }
        }
    }
}
