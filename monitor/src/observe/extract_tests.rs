//! From the bytes of a request and its answer to what judging is told: principals, logins, what is handed out.

use monitor_common::IpKey;

use super::*;
use crate::{
    body::BodySettings,
    flow::Peer,
    http::{
        anomaly::AnomalySet,
        transaction::{HeadBuf, Part, Request, Response, Version},
    },
    observe::{
        Extra, PrincipalKind,
        extra::{Login, LoginOutcome, TokenFlaw},
        login,
    },
    time::Timestamp,
};

const KEY: InstallKey = InstallKey([3; 16]);
const TOKEN: &str = "0123456789abcdef0123";
/// `{"alg":"HS256"}`, `{"sub":"jane","iss":"idp","exp":1000,"role":"admin"}`.
const JWT: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIiwiaXNzIjoiaWRwIiwiZXhwIjoxMDAwLCJyb2xlIjoiYWRtaW4ifQ.c2ln";

/// A message of the test: header fields and body.
type Message<'a> = (&'a [(&'a str, &'a str)], &'a str);

struct Asked<'a> {
    method: &'a str,
    target: &'a str,
    request: Message<'a>,
    status: u16,
    response: Message<'a>,
    at: u64,
}

const PLAIN: Asked<'_> = Asked {
    method: "POST",
    target: "/",
    request: (&[], ""),
    status: 200,
    response: (&[], ""),
    at: 500,
};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const HTML: (&str, &str) = ("Content-Type", "text/html; charset=utf-8");

fn read(extractor: &mut Extractor, of: Part, head: &HeadBuf, body: &str) -> Mark {
    let mut mark = Mark::NEW;
    if !body.is_empty() {
        let part = BodyPart {
            of,
            head: head.as_head(),
            offset: 0,
            bytes: body.as_bytes(),
        };
        extractor.body(&part, &mut mark);
        extractor.body_ends(true, mark);
    }
    mark
}

fn observe(extractor: &mut Extractor, asked: &Asked<'_>) -> Observation {
    let (fields, body) = asked.request;
    let request = HeadBuf::new(Version::Http11, fields);
    let request_mark = read(extractor, Part::Request, &request, body);
    let (fields, body) = asked.response;
    let response = HeadBuf::new(Version::Http11, fields);
    let response_mark = read(extractor, Part::Response, &response, body);
    let at = Timestamp::from_nanos(asked.at * 1_000_000_000);
    let peer = |last| Peer {
        addr: IpKey::from_v4([192, 0, 2, last]),
        port: 1,
    };
    extractor.extract(&Transaction {
        client: peer(1),
        server: peer(2),
        proxied: None,
        ordinal: 0,
        request: Request {
            first: at,
            last: at,
            head: request.as_head(),
            method: asked.method.as_bytes(),
            target: asked.target.as_bytes(),
            body_len: None,
            mark: request_mark,
        },
        response: Some(Response {
            first: at,
            last: at,
            head: response.as_head(),
            status: asked.status,
            body_len: None,
            mark: response_mark,
        }),
        anomalies: AnomalySet::default(),
        source_proven: true,
        gaps: false,
    })
}

fn extractor() -> Extractor {
    Extractor::new(KEY, BodySettings::BOTH)
}

fn of(asked: &Asked<'_>) -> Observation {
    observe(&mut extractor(), asked)
}

#[test]
fn what_is_left_out_to_spare_the_host_is_a_hole() {
    let mut extractor = extractor();
    for on in [true, false, true] {
        extractor.read_bodies(on);
        assert_eq!(observe(&mut extractor, &PLAIN).gaps, !on);
    }
}

#[test]
fn spent_paths_are_written_over_unless_they_are_long() {
    let mut extractor = extractor();
    let of = |target| Asked { target, ..PLAIN };
    let long = format!("/{}", "a".repeat(SPARE_BYTES));
    let mut spent = observe(&mut extractor, &of("/some/long/path?with=query"));
    extractor.recycle(&mut spent);
    assert_eq!((extractor.spare.len(), &*spent.path), (1, ""));
    // Of one that has been given back already there is nothing to take.
    extractor.recycle(&mut spent);
    let mut second = observe(&mut extractor, &of("/b"));
    assert_eq!((extractor.spare.len(), &*second.path), (0, "/b"));
    assert!(second.path.capacity() >= "/some/long/path".len());
    let mut third = observe(&mut extractor, &of(&long));
    extractor.recycle(&mut third);
    assert_eq!((extractor.spare.len(), third.path), (0, long));
    for _ in 0..2 * SPARE {
        extractor.recycle(&mut Observation {
            path: "/".into(),
            ..second.clone()
        });
    }
    extractor.recycle(&mut second);
    assert_eq!(extractor.spare.len(), SPARE);
}

/// Whatever way it goes: a request with something to tell, and the same without.
#[test]
fn what_may_have_something_is_looked_at() {
    const BASIC: &str = "Basic YTpi";
    let bearer = format!("Bearer {JWT}");
    let told = |asked: Asked<'_>| of(&asked).extra.is_some();
    assert!(!told(PLAIN));
    let request = |fields| Asked {
        request: (fields, ""),
        at: 2000,
        ..PLAIN
    };
    let response = |fields, status| Asked {
        response: (fields, ""),
        status,
        ..PLAIN
    };
    assert!(told(request(&[("Authorization", BASIC)])));
    // It has expired.
    assert!(told(request(&[("Authorization", bearer.as_str())])));
    let session = [("Set-Cookie", "sessionid=0123456789abcdef0123")];
    assert!(told(response(&session, 200)));
    assert!(!told(response(&session, 404)));
    assert!(told(response(&[("X-Subject-Token", TOKEN)], 201)));
    let target = format!("/callback/{JWT}");
    assert!(told(Asked {
        target: &target,
        ..PLAIN
    }));
    assert!(told(Asked {
        target: "/?page=2",
        ..PLAIN
    }));
}

fn with_header(name: &str, value: &str) -> Observation {
    of(&Asked {
        request: (&[(name, value)], ""),
        ..PLAIN
    })
}

#[test]
fn principals_of_every_kind() {
    for (name, value, kind) in [
        ("Authorization", "Bearer abc", Some(PrincipalKind::Bearer)),
        (
            "AUTHORIZATION",
            &format!("Bearer {JWT}"),
            Some(PrincipalKind::Jwt),
        ),
        ("X-Access-Token", JWT, Some(PrincipalKind::Jwt)),
        ("X-Auth-Token", TOKEN, Some(PrincipalKind::Bearer)),
        ("Cookie", &format!("a=b; token={JWT}"), Some(PrincipalKind::Jwt)),
        (
            "Cookie",
            &format!("a=b; PHPSESSID={TOKEN}"),
            Some(PrincipalKind::Session),
        ),
        ("X-API-Key", TOKEN, Some(PrincipalKind::ApiKey)),
        (
            "Authorization",
            "Basic amFuZTpodW50ZXIy",
            Some(PrincipalKind::User),
        ),
        ("Cookie", "theme=dark", None),
        ("Authorization", "Negotiate x", None),
    ] {
        let found = with_header(name, value).principal;
        assert_eq!(found.map(|principal| principal.kind), kind, "{name}: {value}");
    }
    let in_query = of(&Asked {
        target: "/x?api_key=0123456789abcdef",
        ..PLAIN
    });
    assert_eq!(in_query.principal.unwrap().kind, PrincipalKind::ApiKey);
    assert_eq!(
        with_header("X-API-Key", "0123456789abcdef").credential,
        in_query.credential
    );
}

#[test]
fn a_token_is_known_again_wherever_it_stands() {
    let one = with_header("Authorization", &format!("Bearer {JWT}"));
    let other = with_header("Cookie", &format!("jwt={JWT}"));
    assert_eq!(
        (one.principal, one.credential),
        (other.principal, other.credential)
    );
    assert_ne!(one.credential.unwrap().roles, 0);
}

/// Cookies in fields of their own, as HTTP/2 sends them, and more than one connection at a time.
#[test]
fn what_is_remembered_of_a_connection_is_no_others() {
    let mut extractor = extractor();
    let session = format!("sid={TOKEN}");
    let [other, third] = ["theme=dark", "lang=de"];
    let fields = [("Cookie", other), ("Cookie", &session), ("Cookie", third)];
    let of = |fields: &[(&str, &str)], extractor: &mut Extractor| {
        observe(
            extractor,
            &Asked {
                request: (fields, ""),
                ..PLAIN
            },
        )
        .principal
    };
    let known = of(&fields[1..2], &mut extractor);
    assert!(known.is_some());
    assert_eq!(of(&fields, &mut extractor), known);
    assert_eq!(of(&fields[..1], &mut extractor), None);
    assert_eq!(of(&fields[1..2], &mut extractor), known);
    assert_eq!(of(&[], &mut extractor), None);
}

#[test]
fn the_most_specific_credential_counts() {
    let session = format!("session={TOKEN}");
    let bearer = format!("Bearer {JWT}");
    let fields = [
        ("X-Api-Key", TOKEN),
        ("Cookie", session.as_str()),
        ("Authorization", bearer.as_str()),
    ];
    let kind = |fields: &[(&str, &str)]| {
        of(&Asked {
            request: (fields, ""),
            ..PLAIN
        })
        .principal
        .map(|principal| principal.kind)
    };
    assert_eq!(kind(&fields), Some(PrincipalKind::Jwt));
    assert_eq!(kind(&fields[..2]), Some(PrincipalKind::Session));
    assert_eq!(kind(&fields[..1]), Some(PrincipalKind::ApiKey));
}

#[test]
fn tokens_expire_while_a_connection_lasts() {
    let mut extractor = extractor();
    let bearer = format!("Bearer {JWT}");
    let mut flaws = |at| {
        let fields = [("Authorization", bearer.as_str())];
        let found = observe(
            &mut extractor,
            &Asked {
                request: (&fields, ""),
                at,
                ..PLAIN
            },
        );
        found.extra().token_flaws
    };
    assert!(flaws(999).is_empty());
    assert!(flaws(1060).is_empty());
    assert!(flaws(1061).contains(TokenFlaw::Expired));
}

fn login_of(asked: &Asked<'_>) -> (Login, Extra) {
    let extra = of(asked).extra().clone();
    (extra.login.expect("a login"), extra)
}

#[test]
fn a_login_in_json() {
    let answer = format!("{{\"access_token\":\"{JWT}\",\"user\":{{\"id\":7}}}}");
    let asked = Asked {
        target: "/api/login",
        request: (
            &[JSON],
            "{\"user\":{\"email\":\"Jane@example.org\",\"password\":\"hunter2\"}}",
        ),
        response: (&[JSON], &answer),
        ..PLAIN
    };
    let (login, extra) = login_of(&asked);
    assert_eq!(login.user, login::user(b"jane@example.org", &KEY));
    assert_eq!(login.password, login::password(b"hunter2", &KEY));
    assert_eq!(login.outcome, LoginOutcome::Accepted);
    assert_eq!(extra.handed_out, [KEY.credential(JWT.as_bytes())]);
    let (login, extra) = login_of(&Asked { status: 401, ..asked });
    assert_eq!(
        (login.outcome, extra.handed_out.len()),
        (LoginOutcome::Refused, 0)
    );
}

#[test]
fn a_login_by_form() {
    let cookie = format!("sessionid={TOKEN}; Path=/; HttpOnly");
    let asked = Asked {
        target: "/login",
        request: (&[FORM], "username=jane%40example.org&password=hunter2&csrf=x"),
        status: 302,
        response: (&[("Location", "/home"), ("Set-Cookie", &cookie)], ""),
        ..PLAIN
    };
    let (login, extra) = login_of(&asked);
    assert_eq!(login.user, login::user(b"jane@example.org", &KEY));
    assert_eq!(login.outcome, LoginOutcome::Accepted);
    assert_eq!(extra.handed_out, [KEY.credential(TOKEN.as_bytes())]);
    let back = [("Location", "/login?error=1")];
    let refused = login_of(&Asked {
        response: (&back, ""),
        ..asked
    })
    .0;
    assert_eq!(refused.outcome, LoginOutcome::Refused);
    let again = login_of(&Asked {
        status: 200,
        response: (&[HTML], "<form>"),
        ..asked
    })
    .0;
    assert_eq!(again.outcome, LoginOutcome::Refused);
}

#[test]
fn basic_is_a_login_each_time() {
    let fields = [("Authorization", "Basic SmFuZTpodW50ZXIy")];
    let asked = Asked {
        request: (&fields, ""),
        ..PLAIN
    };
    let observation = of(&asked);
    let login = observation.extra().login.unwrap();
    assert_eq!(login.user, Some(observation.principal.unwrap().fingerprint));
    assert_eq!(
        (login.user, login.outcome),
        (login::user(b"jane", &KEY), LoginOutcome::Accepted)
    );
    let outcome = |status| login_of(&Asked { status, ..asked }).0.outcome;
    assert_eq!(outcome(401), LoginOutcome::Refused);
    assert_eq!(outcome(403), LoginOutcome::Unclear);
    assert_eq!(outcome(500), LoginOutcome::Unclear);
}

#[test]
fn a_login_in_the_query() {
    let login = login_of(&Asked {
        target: "/login?user=jane%40example.org&pwd=hunter+2",
        ..PLAIN
    })
    .0;
    assert_eq!(login.user, login::user(b"jane@example.org", &KEY));
    assert_eq!(login.password, login::password(b"hunter 2", &KEY));
}

#[test]
fn a_token_in_the_query_and_words_for_nothing() {
    let target = format!("/x?access_token={TOKEN}");
    let in_query = of(&Asked {
        target: &target,
        ..PLAIN
    });
    let header = with_header("Authorization", &format!("Bearer {TOKEN}"));
    assert!(header.principal.is_some());
    assert_eq!(in_query.principal, header.principal);
    assert_eq!(in_query.credential, header.credential);
    for (name, value) in [
        ("Authorization", "Bearer undefined"),
        ("Authorization", "Token <your_token>"),
        ("X-Api-Key", "{{your_api_key}}"),
        ("X-Api-Key", "undefined"),
    ] {
        assert_eq!(with_header(name, value).principal, None, "{name}: {value}");
    }
}

#[test]
fn what_is_renewed() {
    let old = format!("session={TOKEN}old");
    let set = format!("session={TOKEN}new; Path=/");
    let asked = Asked {
        request: (&[("Cookie", &old)], ""),
        response: (&[("Set-Cookie", &set)], ""),
        ..PLAIN
    };
    let extra = of(&asked).extra().clone();
    assert_eq!(
        extra.renews,
        Some(KEY.credential(format!("{TOKEN}old").as_bytes()))
    );
    assert_eq!(extra.handed_out.len(), 1);
    // What a refusal gives is worth nothing, but takes the place of what was there.
    let refused = of(&Asked { status: 401, ..asked }).extra().clone();
    assert_eq!((refused.renews, refused.handed_out.len()), (extra.renews, 0));
    // The same cookie once more is nothing new.
    let same = format!("session={TOKEN}old; Path=/");
    assert_eq!(
        of(&Asked {
            response: (&[("Set-Cookie", &same)], ""),
            ..asked
        })
        .extra,
        None
    );
    let refresh = format!("grant_type=refresh_token&refresh_token={TOKEN}");
    let answer = format!("{{\"access_token\":\"{JWT}\"}}");
    let extra = of(&Asked {
        target: "/oauth/token",
        request: (&[FORM], &refresh),
        response: (&[JSON], &answer),
        ..PLAIN
    });
    assert_eq!(extra.extra().renews, Some(KEY.credential(TOKEN.as_bytes())));
    assert_eq!(extra.extra().login, None);
}

#[test]
fn clients_and_certificates_behind_trusted_proxies_only() {
    let fields = [
        ("X-Forwarded-For", "6.6.6.6, 198.51.100.7"),
        ("X-Forwarded-Client-Cert", "Hash=1;URI=spiffe://b"),
    ];
    let asked = Asked {
        request: (&fields, ""),
        ..PLAIN
    };
    let mut settings = ObserveSettings::default();
    let stranger = observe(&mut Extractor::new(KEY, settings.clone()), &asked);
    assert_eq!((stranger.forwarded, stranger.principal), (None, None));
    assert_eq!(stranger.hearsay, Hearsay::Certified);
    assert_eq!(of(&PLAIN).hearsay, Hearsay::Nothing);
    settings.clients.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
    let mut extractor = Extractor::new(KEY, settings);
    let found = observe(&mut extractor, &asked);
    assert_eq!(found.client_addr(), "198.51.100.7".parse().unwrap());
    assert_eq!(found.hearsay, Hearsay::Nothing, "it is believed");
    assert_eq!(found.principal.unwrap().kind, PrincipalKind::Certificate);
    let broken = [("X-Forwarded-For", "198.51.100.7, nonsense")];
    let found = observe(
        &mut extractor,
        &Asked {
            request: (&broken, ""),
            ..PLAIN
        },
    );
    assert_eq!(found.forwarded, None);
    assert!(found.anomalies.contains(Anomaly::DoubtfulForwarding));
}

#[test]
fn parameters_given_twice() {
    let repeated = |target: &str, fields: &[(&str, &str)], body: &str| {
        let asked = Asked {
            target,
            request: (fields, body),
            ..PLAIN
        };
        of(&asked).extra().repeated.clone().map(|repeated| {
            let [one, other] = repeated.values.map(|value| value.number);
            (repeated.name.into_string(), one, other, repeated.across)
        })
    };
    let id = |name: &str, across| Some((name.to_owned(), Some(7), Some(8), across));
    assert_eq!(repeated("/x?user_id=7&user_id=8", &[], ""), id("user_id", false));
    assert_eq!(repeated("/x?user_id=7&user%5Fid=8", &[], ""), None);
    assert_eq!(repeated("/x?user_id=7&user_id=7", &[], ""), None);
    assert_eq!(
        repeated("/x?subject=Patient/7&subject=Patient%2F8", &[], ""),
        id("subject", false)
    );
    assert_eq!(
        repeated("/x", &[JSON], "{\"id\":7,\"a\":[{\"id\":1},{\"id\":2}],\"id\":8}"),
        id("id", false)
    );
    assert_eq!(
        repeated("/x", &[JSON], "{\"o\":{\"user_id\":7,\"b\":1,\"user_id\":8}}"),
        id("user_id", false)
    );
    assert_eq!(repeated("/x", &[JSON], "[{\"id\":7},{\"id\":8}]"), None);
    assert_eq!(repeated("/x", &[JSON], "{\"id\":7}\n{\"id\":8}\n"), None);
    assert_eq!(
        repeated("/x", &[FORM], "account_id=7&account_id=8"),
        id("account_id", false)
    );
    assert_eq!(
        repeated("/x?account_id=8", &[FORM], "account_id=7&b=1"),
        id("account_id", true)
    );
    assert_eq!(repeated("/x?account_id=7", &[JSON], "{\"account_id\":7}"), None);
}

#[test]
fn pages_and_operations() {
    let listed = of(&Asked {
        target: "/orders?page=3&per_page=50",
        ..PLAIN
    });
    let page = listed.extra().page.unwrap();
    assert_eq!((page.number, page.limit), (Some(3), Some(50)));
    let operation = of(&Asked {
        target: "/graphql",
        request: (
            &[JSON],
            "{\"operationName\":\"getOrder\",\"variables\":{\"id\":7},\"query\":\"query getOrder{x}\"}",
        ),
        ..PLAIN
    });
    assert_eq!(operation.extra().operation.as_deref(), Some("getOrder"));
    let operation = of(&Asked {
        target: "/graphql?query=%7Bme%7Bid%7D%7D",
        ..PLAIN
    });
    assert_eq!(operation.extra().operation.as_deref(), Some("me"));
}

#[test]
fn secrets_in_addresses_and_answers() {
    use crate::observe::extra::{SecretKind, SecretPlace};
    let key = format!("{}{}", "AKIA", "IOSFODNN7EXAMPLE");
    let secret = |target: &str, body: &str| {
        let found = of(&Asked {
            target,
            response: (&[JSON], body),
            ..PLAIN
        });
        found
            .extra()
            .secrets
            .iter()
            .map(|secret| (secret.kind, secret.place))
            .collect::<Vec<_>>()
    };
    let url = |kind| vec![(kind, SecretPlace::Url)];
    let answer = |kind| vec![(kind, SecretPlace::Answer)];
    assert_eq!(
        secret(&format!("/x?access_token={TOKEN}"), ""),
        url(SecretKind::Named)
    );
    assert_eq!(secret("/x?password=hunter2", ""), url(SecretKind::Named));
    assert_eq!(secret(&format!("/x?t={JWT}"), ""), url(SecretKind::Jwt));
    assert_eq!(secret(&format!("/reset/{JWT}"), ""), url(SecretKind::Jwt));
    assert_eq!(secret(&format!("/x?q={key}"), ""), url(SecretKind::ProviderKey));
    assert_eq!(secret(&format!("/x?X-Amz-Credential={key}%2F2026"), ""), []);
    assert_eq!(
        secret("/x?token=short&code=0123456789abcdef&state=0123456789abcdef", ""),
        []
    );
    let config = format!("{{\"env\":\"AWS_KEY={key} x\"}}");
    assert_eq!(secret("/config", &config), answer(SecretKind::ProviderKey));
    let listed = format!("[{{\"remark\":\"{JWT}\"}}]");
    assert_eq!(secret("/users", &listed), answer(SecretKind::Jwt));
    assert_eq!(secret("/auth/token", &listed), []);
    // One fingerprint wherever a secret is seen.
    let leaked = of(&Asked {
        target: "/users",
        response: (&[JSON], &listed),
        ..PLAIN
    });
    let used = with_header("Authorization", &format!("Bearer {JWT}"));
    assert_eq!(
        leaked.extra().secrets[0].fingerprint,
        used.credential.unwrap().fingerprint
    );
}

#[test]
fn answers_that_say_no_although_their_status_does_not() {
    let declined = |status, fields: &[(&str, &str)], body: &str| {
        let asked = Asked {
            method: "GET",
            target: "/orders/17",
            status,
            response: (fields, body),
            ..PLAIN
        };
        of(&asked).extra().declined
    };
    for body in [
        r#"{"ok":false,"error":"permission denied"}"#,
        r#"{"data":null,"errors":[{"message":"not yours"}]}"#,
    ] {
        assert!(declined(200, &[JSON], body), "{body}");
    }
    for body in [
        r#"{"id":17,"status":"failed","error":"out of stock"}"#,
        r#"{"status":"rejected"}"#,
        r#"{"ok":true,"error":null}"#,
    ] {
        assert!(!declined(200, &[JSON], body), "{body}");
    }
    assert!(declined(302, &[("Location", "/orders?e=denied")], ""));
    assert!(!declined(302, &[("Location", "/login?next=/orders/17")], ""));
}

#[test]
fn most_requests_have_nothing_of_it() {
    let body = "{\"items\":[{\"id\":1,\"name\":\"Ann\",\"status\":\"failed\"}],\"total\":1}";
    let asked = Asked {
        target: "/orders?page_size=3&sort=name",
        request: (
            &[("Authorization", "Bearer abc"), JSON],
            "{\"name\":\"x\",\"status\":\"y\"}",
        ),
        response: (&[JSON], body),
        ..PLAIN
    };
    assert_eq!(of(&asked).extra, None);
}
