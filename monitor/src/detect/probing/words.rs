//! Paths that only scanners ask for, and paths that honest programs ask for without knowing whether they are there.
//! Must not know who asks.

/// Parts of paths, in small letters, that stand in the lists of scanners and in no program that a server does not have:
/// first those that stand anywhere, then those that begin with a slash.
const SCANNED_WORDS: [&str; 4] = ["xmlrpc.php", "phpmyadmin", "phpinfo", "eval-stdin"];
const SCANNED: [&str; 42] = [
    "/.env",
    "/.git/",
    "/.svn/",
    "/.hg/",
    "/.aws/",
    "/.ssh/",
    "/.docker",
    "/.htpasswd",
    "/.htaccess",
    "/.vscode/",
    "/wp-login",
    "/wp-admin",
    "/wp-content",
    "/wp-includes",
    "/wp-config",
    "/pma/",
    "/adminer",
    "/cgi-bin/",
    "/server-status",
    "/server-info",
    "/actuator",
    "/jolokia",
    "/heapdump",
    "/manager/html",
    "/jmx-console",
    "/_ignition",
    "/telescope/requests",
    "/vendor/phpunit",
    "/hnap1",
    "/boaform",
    "/solr/admin",
    "/debug/pprof",
    "/etc/passwd",
    "/id_rsa",
    "/web.config",
    "/elmah.axd",
    "/config.json.bak",
    "/dump.sql",
    "/backup.sql",
    "/backup.zip",
    "/owa/auth",
    "/druid/index",
];

/// Beginnings and ends of paths that browsers and systems ask for by themselves.
const BY_ITSELF: [&str; 14] = [
    "/favicon",
    "/apple-touch-icon",
    "/robots.txt",
    "/sitemap",
    "/.well-known/",
    "/ads.txt",
    "/app-ads.txt",
    "/humans.txt",
    "/browserconfig.xml",
    "/manifest.json",
    "/site.webmanifest",
    "/service-worker.js",
    "/sw.js",
    "/crossdomain.xml",
];
const FILES: [&str; 7] = [
    ".map",
    "/.ds_store",
    "/thumbs.db",
    "/desktop.ini",
    ".woff2",
    ".ico",
    "/.hidden",
];

/// Longest path looked at, bytes.
const LOOKED_AT: usize = 256;

/// The path in small letters, cut.
fn small(path: &str) -> String {
    path.chars()
        .take(LOOKED_AT)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Whether only a scanner asks for this. One pass: every request that fails is looked at, so a search for each part
/// would be most of what judging it costs.
pub(super) fn is_scanned(path: &str) -> bool {
    let path = path.as_bytes();
    let path = path.get(..LOOKED_AT).unwrap_or(path);
    (0..path.len()).any(|at| match path.get(at..) {
        Some(rest @ [b'/', second, ..]) => {
            let second = second.to_ascii_lowercase();
            let may_be = |part: &&&str| part.as_bytes().get(1) == Some(&second);
            SCANNED.iter().filter(may_be).any(|part| begins(rest, part))
        }
        Some(rest @ [b'x' | b'X' | b'p' | b'P' | b'e' | b'E', ..]) => {
            SCANNED_WORDS.iter().any(|part| begins(rest, part))
        }
        _ => false,
    })
}

/// Whether a text begins with this, in small letters or large ones.
fn begins(text: &[u8], part: &str) -> bool {
    let head = text.get(..part.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(part.as_bytes()))
}

/// Whether a browser or system asks for this by itself.
pub(super) fn is_asked_by_itself(path: &str) -> bool {
    let path = small(path);
    BY_ITSELF.iter().any(|begin| path.starts_with(begin))
        || FILES.iter().any(|end| path.ends_with(end))
        || path.contains("/._")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for path in [
            "/.env",
            "/app/.ENV.local",
            "/wp-login.php",
            "/.git/config",
            "/api/actuator/env",
            "/x/PHPMyAdmin-5",
            "/a/b/xmlrpc.php",
        ] {
            assert!(is_scanned(path), "{path}");
        }
        for part in SCANNED.iter().chain(&SCANNED_WORDS) {
            let (small, large) = (format!("/x{part}"), format!("/x{part}y").to_uppercase());
            assert!(is_scanned(&small) && is_scanned(&large), "{part}");
            assert!(!is_scanned(&format!("{}{part}", "/a".repeat(LOOKED_AT / 2))));
        }
        assert!(SCANNED.iter().all(|part| part.starts_with('/')));
        for path in [
            "/orders/7",
            "/environment",
            "/.well-known/acme",
            "/login",
            "/admin",
            "/api-docs",
        ] {
            assert!(!is_scanned(path), "{path}");
        }
        for path in [
            "/favicon.ico",
            "/.well-known/x",
            "/assets/app.js.map",
            "/dav/._photo.jpg",
            "/a/.DS_Store",
        ] {
            assert!(is_asked_by_itself(path), "{path}");
        }
    }
}
