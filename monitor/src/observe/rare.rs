//! Puts together what few requests have ([`Extra`]). Must not read bytes itself, except of heads.

use std::mem;

use super::{
    Extra, Fingerprint, PrincipalKind,
    bodies::Found,
    extra::{Login, LoginOutcome, Secret, TokenFlawSet},
    fields::Fields,
    identity::{
        InstallKey,
        caller::{Caller, Callers},
    },
    login::{Answer, AnswerBody, Attempt, Place, Told, is_sent_back, outcome},
    query::{self, QueryFound},
    secrets,
};
use crate::{
    body::Media,
    http::{
        name::Name,
        transaction::{Head, Response, Transaction},
    },
};

/// What was found of a transaction beside its heads.
pub(super) struct Beside<'a, 'q> {
    pub(super) path: &'a str,
    /// What stands behind it in the target.
    pub(super) in_target: &'a [u8],
    pub(super) query: Option<&'a mut QueryFound<'q>>,
    /// The body of the request.
    pub(super) asked: Option<&'a mut Found>,
    /// The body of the answer.
    pub(super) answer: Option<&'a mut Found>,
}

/// What it is made of.
struct Rare<'a> {
    transaction: &'a Transaction<'a>,
    path: &'a str,
    caller: Option<Caller>,
    /// Of body and query.
    fields: Fields,
    told: Told,
    /// Of the target.
    secrets: Vec<Secret>,
    /// The answer is JSON.
    json: bool,
    /// The answer names no object.
    bare: bool,
}

/// What a transaction has; `None` if it has nothing of it, as most. Whether there may be something is seen first: to
/// put it together takes longer than all the rest of an observation.
pub(super) fn extra(
    transaction: &Transaction<'_>,
    beside: Beside<'_, '_>,
    caller: Option<&Caller>,
    callers: &Callers,
    key: &InstallKey,
) -> Option<Box<Extra>> {
    let in_path = secrets::in_path(beside.path, key);
    let silent = in_path.is_empty()
        && beside.query.is_none()
        && beside.asked.is_none()
        && beside
            .answer
            .as_ref()
            .is_none_or(|answer| answer.told.is_silent());
    if silent && have_nothing(transaction, caller, callers) {
        return None;
    }
    let rare = Rare::new(transaction, beside, caller, in_path, key);
    rare.extra(callers)
}

/// Whether there is nothing of it in the heads of a transaction, so that [`Rare::extra`] would find nothing if the rest
/// has nothing either.
fn have_nothing(transaction: &Transaction<'_>, caller: Option<&Caller>, callers: &Callers) -> bool {
    let sound = caller.is_none_or(|caller| {
        let flaws = caller.flaws(transaction.request.last, callers.skew_seconds());
        caller.basic.is_none() && flaws == TokenFlawSet::EMPTY
    });
    let gives = |response: &Response<'_>| callers.may_give(response.head);
    let redirects = |response: &Response<'_>| matches!(response.status, 300..=399);
    let response = transaction.response.as_ref();
    sound && !response.is_some_and(|response| redirects(response) || gives(response))
}

impl<'a> Rare<'a> {
    #[inline(never)]
    fn new(
        transaction: &'a Transaction<'a>,
        beside: Beside<'a, '_>,
        caller: Option<&Caller>,
        in_path: Vec<Secret>,
        key: &InstallKey,
    ) -> Self {
        let asked = beside.asked.map(|asked| mem::take(&mut asked.fields));
        let mut fields = asked.unwrap_or_default();
        let mut secrets = Vec::new();
        if let Some(query) = beside.query {
            query::compare(beside.in_target, &mut fields.given, key);
            fields = fields.and(mem::take(&mut query.fields));
            secrets = mem::take(&mut query.secrets);
        }
        let media = beside.answer.as_ref().and_then(|answer| answer.facts.read.media);
        let bare = beside
            .answer
            .as_ref()
            .is_some_and(|answer| answer.facts.ids.iter().all(|id| id.listed));
        let told = beside.answer.map(|answer| mem::take(&mut answer.told));
        for secret in in_path {
            secrets::keep(&mut secrets, secret);
        }
        Self {
            transaction,
            path: beside.path,
            caller: caller.copied(),
            fields,
            told: told.unwrap_or_default(),
            secrets,
            json: media == Some(Media::Json),
            bare,
        }
    }

    /// What this request has; `None` if it has nothing of it.
    fn extra(mut self, callers: &Callers) -> Option<Box<Extra>> {
        let session = self.hand_out(callers);
        let flaws = self
            .caller
            .map(|caller| caller.flaws(self.transaction.request.last, callers.skew_seconds()));
        let login = self.login();
        let extra = Extra {
            login,
            secrets: self.secrets(login.as_ref()),
            renews: self.renews(session),
            handed_out: mem::take(&mut self.told.tokens),
            token_flaws: flaws.unwrap_or_default(),
            operation: self.fields.asked.operation.take(),
            repeated: mem::take(&mut self.fields.given).repeated(self.path),
            page: self.fields.page.page(),
            declined: self.is_declined(),
            lost_by: self.fields.asked.lost_by(self.path),
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
            return self.is_given_another_session(callers, response.head);
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

    /// Whether a refusal gives the client another session in place of its own.
    fn is_given_another_session(&self, callers: &Callers, head: Head<'_>) -> bool {
        let known = self.caller.map(|caller| caller.credential.fingerprint);
        let mut set = head.fields().filter(|field| field.is == Name::SetCookie);
        set.any(|field| {
            let session = callers.session_set(field.value);
            session.is_some() && session != known
        })
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
        let mut secrets = mem::take(&mut self.secrets);
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

    /// Whether the answer says no, although its status does not. An object may be in a bad state, and tell of its
    /// errors: then it has an id.
    fn is_declined(&self) -> bool {
        let Some(response) = self.transaction.response.as_ref() else {
            return false;
        };
        match response.status {
            200..=299 => self.json && self.bare && self.told.error,
            302 | 303 | 307 => {
                let location = response.head.first(Name::Location);
                let reads = matches!(self.transaction.request.method, b"GET" | b"HEAD");
                reads && location.is_some_and(|location| is_sent_back(self.path, location))
            }
            _ => false,
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
        if self.told.tokens.is_empty() && !session {
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
