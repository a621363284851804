//! Forms.

use super::*;

fn form(text: &str) -> Vec<String> {
    walk(Media::Form, text.as_bytes())
}

#[test]
fn pairs() {
    for (text, lines) in [
        ("a=1&b=x+y%20z", &["/a t 1", "/b t x y z"][..]),
        ("a=1=2&b", &["/a t 1=2", "/b t "]),
        ("=1", &["/ t 1"]),
        ("&&a=1&", &["/a t 1"]),
        ("user%5Bid%5D=7", &["/user[id] t 7"]),
        ("a%2fb=1", &["/a~1b t 1"]),
        ("", &[]),
        ("a=1&a=2", &["/a t 1", "/a t 2", "! duplicate-name"]),
        ("a=%4", &["/a t %4", "! broken-escape"]),
        ("a=%zz&b=%%41", &["/a t %zz", "/b t %A", "! broken-escape"]),
        ("a=1;b=2", &["/a t 1;b=2", "! semicolon"]),
        ("%", &["/% t ", "! broken-escape"]),
    ] {
        assert_eq!(form(text), lines, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_do_not_matter(
        text in text_of(&["a", "id", "=", "&", "+", "%", "4", "1f", "%41", ";", "[", "/", "aaaaaaaaaaaaaaaaaaaaaa"]),
        whole in any::<bool>(),
        sizes in prop::collection::vec(1usize..9, 1..20),
    ) {
        check_pieces(Media::Form, &text, whole, &sizes)?;
    }
}
