//! Paths that only scanners ask for, and paths that honest programs ask for without knowing whether they are there. Must not
//! know who asks.

/// Parts of paths, in small letters, that stand in the lists of scanners and in no program that a server does not have.
const SCANNED: [&str; 46] = [
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
    "xmlrpc.php",
    "phpmyadmin",
    "/pma/",
    "/adminer",
    "phpinfo",
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
    "eval-stdin",
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

/// Whether only a scanner asks for this.
pub(super) fn is_scanned(path: &str) -> bool {
    let path = small(path);
    SCANNED.iter().any(|part| path.contains(part))
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
        ] {
            assert!(is_scanned(path), "{path}");
        }
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
