//! Names of fields, parameters and cookies that say what their value is for: a user, a password, a token, an error.
//! Must not know values, nor what is made of them.
//!
//! Most names are none of these. So the first look is at the length, the first letter and the last only, and the second
//! is one in a table made by the compiler.

mod table;

use self::table::{Table, Words};

/// What a field of a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asks {
    /// Who logs in. The higher, the surer: a `username` beside a `name` counts.
    User(u8),
    /// What proves it, and nothing else is called so.
    Password,
    /// What proves it, or something else: a code, a PIN.
    Code,
    /// A password that is being set: this is no login.
    NewPassword,
    /// `grant_type` of RFC 6749.
    Grant,
    /// `client_id` of RFC 6749.
    ClientId,
    /// `client_secret` of RFC 6749.
    ClientSecret,
    /// A token that gets another one.
    Refresh,
    /// `operationName` of GraphQL.
    Operation,
    /// `query` of GraphQL, or a search.
    Query,
}

/// What a field of an answer says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tells {
    /// Here is a credential.
    Token,
    /// Something went wrong, unless the value is nothing, `false` or 0.
    Fault,
    /// It went well, or not: `true` or `false`.
    Success,
    /// How it went, in a word.
    Status,
    /// What went wrong, where it stands below an error.
    Message,
    /// Who somebody is: the one who asks, or whose something is.
    Person,
    /// What somebody may do.
    Role,
}

/// What a parameter says about which part of a list is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pages {
    /// The number of a page or of an element.
    Number,
    /// A place that the answer before named, or the number of an element.
    Cursor,
    /// How many elements.
    Limit,
}

const ASKS: Words<Asks> = &[
    (b"username", Asks::User(9)),
    (b"login", Asks::User(8)),
    (b"user", Asks::User(8)),
    (b"loginname", Asks::User(8)),
    (b"loginid", Asks::User(8)),
    (b"jusername", Asks::User(9)),
    (b"osusername", Asks::User(9)),
    (b"uname", Asks::User(7)),
    (b"usr", Asks::User(7)),
    (b"email", Asks::User(6)),
    (b"mail", Asks::User(6)),
    (b"useremail", Asks::User(6)),
    (b"emailaddress", Asks::User(6)),
    (b"emailorusername", Asks::User(6)),
    (b"usernameoremail", Asks::User(6)),
    (b"log", Asks::User(5)),
    (b"phone", Asks::User(5)),
    (b"phonenumber", Asks::User(5)),
    (b"mobile", Asks::User(5)),
    (b"mobilenumber", Asks::User(5)),
    (b"msisdn", Asks::User(5)),
    (b"account", Asks::User(5)),
    (b"accountname", Asks::User(5)),
    (b"accountnumber", Asks::User(5)),
    (b"identifier", Asks::User(5)),
    (b"identity", Asks::User(5)),
    (b"principal", Asks::User(5)),
    (b"sessionkey", Asks::User(4)),
    (b"uid", Asks::User(4)),
    (b"userid", Asks::User(4)),
    (b"customerid", Asks::User(3)),
    (b"memberid", Asks::User(3)),
    (b"cardnumber", Asks::User(3)),
    (b"handle", Asks::User(3)),
    (b"nickname", Asks::User(2)),
    (b"name", Asks::User(1)),
    (b"password", Asks::Password),
    (b"passwd", Asks::Password),
    (b"pwd", Asks::Password),
    (b"pass", Asks::Password),
    (b"passphrase", Asks::Password),
    (b"passcode", Asks::Password),
    (b"pword", Asks::Password),
    (b"psw", Asks::Password),
    (b"userpassword", Asks::Password),
    (b"userpass", Asks::Password),
    (b"loginpassword", Asks::Password),
    (b"jpassword", Asks::Password),
    (b"ospassword", Asks::Password),
    (b"sessionpassword", Asks::Password),
    (b"passwordhash", Asks::Password),
    (b"pin", Asks::Code),
    (b"pincode", Asks::Code),
    (b"otp", Asks::Code),
    (b"totp", Asks::Code),
    (b"otpcode", Asks::Code),
    (b"onetimepassword", Asks::Code),
    (b"onetimecode", Asks::Code),
    (b"code", Asks::Code),
    (b"mfacode", Asks::Code),
    (b"authcode", Asks::Code),
    (b"smscode", Asks::Code),
    (b"twofactorcode", Asks::Code),
    (b"verificationcode", Asks::Code),
    (b"secret", Asks::Code),
    (b"apisecret", Asks::Code),
    (b"newpassword", Asks::NewPassword),
    (b"oldpassword", Asks::NewPassword),
    (b"currentpassword", Asks::NewPassword),
    (b"password1", Asks::NewPassword),
    (b"password2", Asks::NewPassword),
    (b"passwordconfirm", Asks::NewPassword),
    (b"passwordconfirmation", Asks::NewPassword),
    (b"passwordrepeat", Asks::NewPassword),
    (b"passwordagain", Asks::NewPassword),
    (b"confirmpassword", Asks::NewPassword),
    (b"repeatpassword", Asks::NewPassword),
    (b"retypepassword", Asks::NewPassword),
    (b"verifypassword", Asks::NewPassword),
    (b"granttype", Asks::Grant),
    (b"clientid", Asks::ClientId),
    (b"clientsecret", Asks::ClientSecret),
    (b"refreshtoken", Asks::Refresh),
    (b"refresh", Asks::Refresh),
    (b"operationname", Asks::Operation),
    (b"query", Asks::Query),
];

const TELLS: Words<Tells> = &[
    (b"accesstoken", Tells::Token),
    (b"idtoken", Tells::Token),
    (b"refreshtoken", Tells::Token),
    (b"token", Tells::Token),
    (b"access", Tells::Token),
    (b"refresh", Tells::Token),
    (b"jwt", Tells::Token),
    (b"jwttoken", Tells::Token),
    (b"authtoken", Tells::Token),
    (b"authorization", Tells::Token),
    (b"bearer", Tells::Token),
    (b"bearertoken", Tells::Token),
    (b"session", Tells::Token),
    (b"sessionid", Tells::Token),
    (b"sessiontoken", Tells::Token),
    (b"sessionkey", Tells::Token),
    (b"sid", Tells::Token),
    (b"ticket", Tells::Token),
    (b"apikey", Tells::Token),
    (b"apitoken", Tells::Token),
    (b"usertoken", Tells::Token),
    (b"logintoken", Tells::Token),
    (b"key", Tells::Token),
    (b"error", Tells::Fault),
    (b"errors", Tells::Fault),
    (b"errorcode", Tells::Fault),
    (b"errormessage", Tells::Fault),
    (b"errormsg", Tells::Fault),
    (b"errordescription", Tells::Fault),
    (b"haserror", Tells::Fault),
    (b"fault", Tells::Fault),
    (b"success", Tells::Success),
    (b"succeeded", Tells::Success),
    (b"successful", Tells::Success),
    (b"issuccess", Tells::Success),
    (b"ok", Tells::Success),
    (b"valid", Tells::Success),
    (b"isvalid", Tells::Success),
    (b"authenticated", Tells::Success),
    (b"isauthenticated", Tells::Success),
    (b"loggedin", Tells::Success),
    (b"isloggedin", Tells::Success),
    (b"status", Tells::Status),
    (b"result", Tells::Status),
    (b"state", Tells::Status),
    (b"outcome", Tells::Status),
    (b"message", Tells::Message),
    (b"msg", Tells::Message),
    (b"code", Tells::Message),
    (b"detail", Tells::Message),
    (b"email", Tells::Person),
    (b"mail", Tells::Person),
    (b"emailaddress", Tells::Person),
    (b"useremail", Tells::Person),
    (b"owneremail", Tells::Person),
    (b"authoremail", Tells::Person),
    (b"customeremail", Tells::Person),
    (b"owner", Tells::Person),
    (b"ownername", Tells::Person),
    (b"username", Tells::Person),
    (b"user", Tells::Person),
    (b"login", Tells::Person),
    (b"author", Tells::Person),
    (b"creator", Tells::Person),
    (b"createdby", Tells::Person),
    (b"submittedby", Tells::Person),
    (b"uploadedby", Tells::Person),
    (b"userprincipalname", Tells::Person),
    (b"role", Tells::Role),
    (b"roles", Tells::Role),
    (b"rolename", Tells::Role),
    (b"userrole", Tells::Role),
    (b"userroles", Tells::Role),
    (b"accountrole", Tells::Role),
    (b"authority", Tells::Role),
    (b"authorities", Tells::Role),
    (b"admin", Tells::Role),
    (b"isadmin", Tells::Role),
    (b"isstaff", Tells::Role),
    (b"issuperuser", Tells::Role),
];

const PAGES: Words<Pages> = &[
    (b"page", Pages::Number),
    (b"p", Pages::Number),
    (b"pg", Pages::Number),
    (b"pagenumber", Pages::Number),
    (b"pageno", Pages::Number),
    (b"pagenum", Pages::Number),
    (b"pageindex", Pages::Number),
    (b"currentpage", Pages::Number),
    (b"number", Pages::Number),
    (b"offset", Pages::Number),
    (b"skip", Pages::Number),
    (b"start", Pages::Number),
    (b"startindex", Pages::Number),
    (b"startat", Pages::Number),
    (b"from", Pages::Number),
    (b"cursor", Pages::Cursor),
    (b"after", Pages::Cursor),
    (b"before", Pages::Cursor),
    (b"afterid", Pages::Cursor),
    (b"beforeid", Pages::Cursor),
    (b"sinceid", Pages::Cursor),
    (b"maxid", Pages::Cursor),
    (b"lastid", Pages::Cursor),
    (b"startafter", Pages::Cursor),
    (b"startingafter", Pages::Cursor),
    (b"endingbefore", Pages::Cursor),
    (b"pagetoken", Pages::Cursor),
    (b"nexttoken", Pages::Cursor),
    (b"nextpage", Pages::Cursor),
    (b"nextpagetoken", Pages::Cursor),
    (b"continuation", Pages::Cursor),
    (b"continuationtoken", Pages::Cursor),
    (b"skiptoken", Pages::Cursor),
    (b"marker", Pages::Cursor),
    (b"limit", Pages::Limit),
    (b"perpage", Pages::Limit),
    (b"pagesize", Pages::Limit),
    (b"size", Pages::Limit),
    (b"count", Pages::Limit),
    (b"maxresults", Pages::Limit),
    (b"take", Pages::Limit),
    (b"top", Pages::Limit),
    (b"first", Pages::Limit),
    (b"rows", Pages::Limit),
];

/// Names of parameters whose value must not stand in an address.
const SECRET: Words<()> = &[
    (b"accesstoken", ()),
    (b"apikey", ()),
    (b"apisecret", ()),
    (b"apitoken", ()),
    (b"auth", ()),
    (b"authorization", ()),
    (b"authtoken", ()),
    (b"bearer", ()),
    (b"clientsecret", ()),
    (b"idtoken", ()),
    (b"jsessionid", ()),
    (b"jwt", ()),
    (b"phpsessid", ()),
    (b"refreshtoken", ()),
    (b"secret", ()),
    (b"sessionid", ()),
    (b"sessiontoken", ()),
    (b"token", ()),
];

static ASKS_TABLE: Table<Asks> = Table::new(ASKS);
static TELLS_TABLE: Table<Tells> = Table::new(TELLS);
static PAGES_TABLE: Table<Pages> = Table::new(PAGES);
static SECRET_TABLE: Table<()> = Table::new(SECRET);

/// What a field of a request is for, by its name. Of `user[email]` the name is `email`.
#[inline]
pub(super) fn asks(name: &[u8]) -> Option<Asks> {
    ASKS_TABLE.find(innermost(name))
}

/// What a field of an answer says, by its name.
#[inline]
pub(super) fn tells(name: &[u8]) -> Option<Tells> {
    TELLS_TABLE.find(name)
}

/// What a parameter says about which part of a list is asked for, by its name. Of `page[size]` it is `size`, and a `$`
/// before it does not count.
#[inline]
pub(super) fn pages(name: &[u8]) -> Option<Pages> {
    let name = innermost(name);
    let name = name.strip_prefix(b"$").unwrap_or(name);
    PAGES_TABLE.find(name)
}

/// Whether a parameter of this name carries a secret.
#[inline]
pub(super) fn is_secret(name: &[u8]) -> bool {
    SECRET_TABLE.find(name).is_some()
}

/// The name in the last brackets, which is how forms write what lies within what.
pub(super) fn innermost(name: &[u8]) -> &[u8] {
    let Some(open) = name
        .strip_suffix(b"]")
        .and_then(|name| Some((name, memchr::memrchr(b'[', name)?)))
    else {
        return name;
    };
    match open {
        (name, at) if at + 1 < name.len() => name.get(at + 1..).unwrap_or_default(),
        (name, at) => name.get(..at).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_case_and_separators() {
        for (name, expected) in [
            ("username", Some(Asks::User(9))),
            ("userName", Some(Asks::User(9))),
            ("USER_NAME", Some(Asks::User(9))),
            ("user-name", Some(Asks::User(9))),
            ("j_username", Some(Asks::User(9))),
            ("user[email]", Some(Asks::User(6))),
            ("user[profile][email]", Some(Asks::User(6))),
            ("email[]", Some(Asks::User(6))),
            ("_password", Some(Asks::Password)),
            ("password_confirmation", Some(Asks::NewPassword)),
            ("grant_type", Some(Asks::Grant)),
            ("p", None),
            ("", None),
            ("[]", None),
            ("passwordpasswordpassword", None),
            ("passwordpasswordpasswordpassword", None),
        ] {
            assert_eq!(asks(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(tells(b"access_token"), Some(Tells::Token));
        assert_eq!(tells(b"sessionToken"), Some(Tells::Token));
        assert_eq!(tells(b"price"), None);
    }

    /// What the first look lets pass is everything that is found.
    #[test]
    fn the_first_look_loses_nothing() {
        for (word, asked) in ASKS {
            assert_eq!(asks(word), Some(*asked));
            assert_eq!(asks(&[word, b"_".as_slice()].concat()), Some(*asked));
            let shouted = word.to_ascii_uppercase();
            assert_eq!(asks(&shouted), Some(*asked));
        }
        for (word, told) in TELLS {
            assert_eq!(tells(word), Some(*told));
        }
    }
}
