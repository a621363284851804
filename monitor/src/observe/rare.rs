//! Puts together what few requests have ([`Extra`]). Must not read bytes itself, except of heads.

use super::{
    Extra, Fingerprint, PrincipalKind,
    extra::{Login, LoginOutcome, Secret},
    fields::Fields,
    identity::caller::{Caller, Callers},
    login::{Answer, AnswerBody, Attempt, Place, Told, outcome},
};
use crate::{
    body::Media,
    http::{
        name::Name,
        transaction::{Head, Response, Transaction},
    },
};

/// What it is made of.
pub(super) struct Rare<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) path: &'a str,
    pub(super) caller: Option<Caller>,
    /// Of body and query.
    pub(super) fields: Fields,
    pub(super) told: Told,
    /// Of the target.
    pub(super) secrets: Vec<Secret>,
    /// The answer is JSON.
    pub(super) json: bool,
}

impl Rare<'_> {
    /// What this request has; `None` if it has nothing of it, as most.
    pub(super) fn extra(mut self, callers: &Callers) -> Option<Box<Extra>> {
        let session = self.hand_out(callers);
        let flaws = self
            .caller
            .map(|caller| caller.flaws(self.transaction.request.last, callers.skew_seconds()));
        let login = self.login();
        let extra = Extra {
            login,
            secrets: self.secrets(login.as_ref()),
            renews: self.renews(session),
            handed_out: std::mem::take(&mut self.told.tokens),
            token_flaws: flaws.unwrap_or_default(),
            operation: self.fields.asked.operation.take(),
            repeated: std::mem::take(&mut self.fields.given).repeated(),
            page: self.fields.page.page(),
        };
        (extra != *Extra::NONE).then(|| Box::new(extra))
    }

    /// Adds what the head of the answer hands out, and takes away what is none. Whether a session is among it.
    fn hand_out(&mut self, callers: &Callers) -> bool {
        let Some(response) = self.transaction.response.as_ref() else {
            return false;
        };
        if response.status >= 400 {
            self.told.tokens.clear();
            return false;
        }
        let mut session = false;
        for field in response.head.fields() {
            let set = if field.is == Name::SetCookie {
                callers.session_set(field.value)
            } else {
                callers.token_given(field)
            };
            if let Some(credential) = set {
                session = true;
                self.told.handed_out(credential);
            }
        }
        // What the client has already is not handed out.
        let known = self.caller.map(|caller| caller.credential.fingerprint);
        self.told.tokens.retain(|token| Some(*token) != known);
        session && !self.told.tokens.is_empty()
    }

    fn login(&self) -> Option<Login> {
        let basic = self.caller.and_then(|caller| caller.basic);
        if let Some(attempt) = self.fields.asked.attempt(self.path, basic) {
            return Some(login(attempt, outcome(&self.answer())));
        }
        basic.map(|attempt| login(attempt, self.basic_outcome()))
    }

    /// Those of the target and of the answer. A token where tokens are given out is none.
    fn secrets(&mut self, login: Option<&Login>) -> Vec<Secret> {
        let mut secrets = std::mem::take(&mut self.secrets);
        secrets.append(&mut self.told.secrets);
        let gives = || {
            login.is_some() || self.fields.asked.renews().is_some() || Place::of(self.path) == Place::Login
        };
        if !self.told.jwts.is_empty() && !gives() {
            secrets.append(&mut self.told.jwts);
        }
        secrets
    }

    fn answer(&self) -> Answer<'_> {
        let response = self.transaction.response.as_ref();
        let media = |head: Head<'_>| {
            head.first(Name::ContentType)
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        let form = Media::of(self.transaction.request.head.first(Name::ContentType));
        Answer {
            status: response.map(|response| response.status),
            location: response.and_then(|response: &Response<'_>| response.head.first(Name::Location)),
            path: self.path,
            handed_out: !self.told.tokens.is_empty(),
            no: self.told.no,
            body: match response.map(|response| media(response.head)) {
                _ if self.json => AnswerBody::Json,
                Some(media) if media.starts_with(b"text/html") => AnswerBody::Page,
                _ => AnswerBody::Other,
            },
            form: matches!(form, Some(Media::Form | Media::Multipart)),
        }
    }

    /// Basic comes with every request. Only 401 says that the password is wrong (RFC 9110 section 15.5.2).
    fn basic_outcome(&self) -> LoginOutcome {
        match self.transaction.response.as_ref().map(|response| response.status) {
            Some(401) => LoginOutcome::Refused,
            Some(200..=399) => LoginOutcome::Accepted,
            _ => LoginOutcome::Unclear,
        }
    }

    /// A refresh token, or the session that is replaced: servers that keep all of a session in its cookie give another
    /// one with every answer.
    fn renews(&self, session: bool) -> Option<Fingerprint> {
        if self.told.tokens.is_empty() {
            return None;
        }
        let replaced = || {
            self.caller
                .filter(|caller| session && caller.principal.kind == PrincipalKind::Session)
                .map(|caller| caller.credential.fingerprint)
        };
        self.fields.asked.renews().or_else(replaced)
    }
}

fn login(attempt: Attempt, outcome: LoginOutcome) -> Login {
    Login {
        user: attempt.user,
        password: attempt.password,
        outcome,
    }
}
