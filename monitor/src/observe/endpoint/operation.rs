//! What a GraphQL operation is about, by its name: `Invoice` of `getInvoiceById` and `InvoicesQuery`. Must not know
//! schemas.

/// Words that say what is done, not with what.
const DOES: [&str; 28] = [
    "get", "list", "fetch", "load", "find", "search", "show", "view", "read", "all", "my", "update",
    "create", "delete", "remove", "rename", "set", "edit", "add", "change", "save", "cancel", "query",
    "mutation", "details", "page", "archive", "share",
];

/// The name of what it is about, in small letters; `None` where it only says what is done.
pub(super) fn noun(name: &str) -> Option<String> {
    let mut noun = String::new();
    for word in words(name) {
        if word.eq_ignore_ascii_case("by") {
            break;
        }
        if !DOES.iter().any(|does| word.eq_ignore_ascii_case(does)) {
            noun.push_str(&word.to_ascii_lowercase());
        }
    }
    (!noun.is_empty()).then_some(noun)
}

/// The words of a name in camel or snake case.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split('_').flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let at = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| c.is_ascii_uppercase())
                .map_or(rest.len(), |(at, _)| at);
            let (word, tail) = rest.split_at_checked(at)?;
            rest = tail;
            (!word.is_empty()).then_some(word)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_about_something() {
        for (name, about) in [
            ("Invoices", Some("invoices")),
            ("getInvoiceById", Some("invoice")),
            ("InvoicesQuery", Some("invoices")),
            ("list_order_items", Some("orderitems")),
            ("RenameProject", Some("project")),
            ("Search", None),
            ("", None),
        ] {
            assert_eq!(noun(name).as_deref(), about, "{name}");
        }
    }
}
