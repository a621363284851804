//! Tokens as servers make them. The signatures are noise: nobody here has the key. Must not know who uses them.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::{api::Auth, dice::Dice, world::Account};

/// What a server hands out, or what stands for it.
pub fn make(auth: Auth, user: &Account, host: &str, now_us: u64, expires_us: u64, dice: &mut Dice) -> String {
    match auth {
        Auth::Jwt => jwt("HS256", user, host, now_us, expires_us, now_us, dice),
        Auth::Opaque => format!("tk_{}", dice.hex(40)),
        Auth::Session => dice.hex(48),
        Auth::Key => format!("ak_{}", dice.hex(32)),
        Auth::Basic => STANDARD.encode(format!("{}:{}", user.name, user.password)),
    }
}

/// A JSON Web Token (RFC 7519); without a signature if `alg` is `none`.
pub fn jwt(
    alg: &str,
    user: &Account,
    host: &str,
    from_us: u64,
    expires_us: u64,
    issued_us: u64,
    dice: &mut Dice,
) -> String {
    let header = format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#);
    let scope = match (user.admin, user.service) {
        (true, _) => "user admin",
        (_, true) => "service",
        _ => "user",
    };
    // What a program is handed out in the client credentials flow names the program twice (RFC 9068 section 2.2).
    let (subject, client) = if user.service {
        let name = format!("svc-{}", user.number);
        (name.clone(), format!(r#","client_id":"{name}""#))
    } else {
        (user.number.to_string(), String::new())
    };
    let payload = format!(
        r#"{{"iss":"https://id.{host}","sub":"{subject}"{client},"scope":"{scope}","iat":{},"nbf":{},"exp":{}}}"#,
        issued_us / 1_000_000,
        from_us / 1_000_000,
        expires_us / 1_000_000
    );
    let signature = if alg == "none" { String::new() } else { noise(dice) };
    format!(
        "{}.{}.{signature}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    )
}

/// As long as an HMAC-SHA256.
fn noise(dice: &mut Dice) -> String {
    let bytes: Vec<u8> = (0..4).flat_map(|_| dice.roll().to_le_bytes()).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}
