//! Whose objects are as answers themselves say it: fields such as `user_id`, `owner_id` or `patient_id`. Must not know
//! scores, nor who was given what.
//!
//! No list of words says which fields name an owner. What a server sends without having been asked for a particular
//! object (`/me`, `/orders`, what was just made) is the principal's own, so a field that holds one value all through
//! such answers names the principal, or a group that it is in. Numbers of orders and of products change from answer to
//! answer, and push each other out.

use crate::observe::{ObjectId, person::Person};

/// Fields remembered of one principal.
const FIELDS: usize = 3;
/// Stands for the name of a person that is only taken over from the principal before.
const FOLLOWS: u16 = 1;
/// Times that a value was kept for each that it was not.
const FAITH: u8 = 4;

/// The values that a principal's own answers keep to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    fields: [Field; FIELDS],
    /// Its address of mail, and its name.
    persons: [Field; 2],
}

/// One field; the hashes are short, since few are told apart.
#[derive(Clone, Copy, Debug, Default)]
struct Field {
    /// Hash of what its name is about; 0 for an empty slot.
    name: u16,
    value: u16,
    kept: u8,
    strayed: u8,
}

/// The last bits of a hash, never 0.
fn brief(hash: u64) -> u16 {
    (hash >> 48) as u16 | 1
}

fn value_of(id: &ObjectId) -> u16 {
    (id.hash >> 48) as u16
}

impl Own {
    /// Takes in a field of an answer that no object was asked for.
    pub(super) fn note(&mut self, stem: u64, id: &ObjectId) {
        let (name, value) = (brief(stem), value_of(id));
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            return field.note(value);
        }
        let idle = |field: &&mut Field| field.name == 0 || field.kept <= field.strayed;
        if let Some(field) = self.fields.iter_mut().find(idle) {
            *field = Field {
                name,
                value,
                kept: 1,
                strayed: 0,
            };
        }
    }

    /// How often the principal's own value of a field about this was kept to, and whether this is it; `None` where it
    /// has none.
    pub(super) fn look(&self, stem: u64, id: &ObjectId) -> Option<(u8, bool)> {
        let name = brief(stem);
        let field = self.fields.iter().find(|field| field.name == name)?;
        field
            .is_faithful()
            .then_some((field.kept, field.value == value_of(id)))
    }

    /// Whether nothing was learned.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.iter().all(|field| field.name == 0) && self.persons.iter().all(|person| person.kept == 0)
    }

    /// Takes in a person that an answer names for which no object was asked.
    pub(super) fn note_person(&mut self, person: &Person) {
        let [mail, name] = &mut self.persons;
        let field = if person.mail { mail } else { name };
        let value = brief(person.user);
        // Whoever took over the token of another is not whom he was before.
        if field.kept == 0 || (field.name == FOLLOWS && field.value != value) {
            (field.value, field.kept, field.strayed) = (value, 1, 0);
        } else {
            field.note(value);
        }
        field.name = 0;
    }

    /// Its address of mail, or rather some bits of it: two that differ are two.
    pub(super) fn mail(&self) -> Option<u16> {
        let [mail, _] = self.persons;
        (mail.kept > 0 && mail.name != FOLLOWS && mail.is_faithful()).then_some(mail.value)
    }

    /// What is expected of the next principal of the same user, until its own pages say who it is.
    pub(super) fn followed(mut self) -> Self {
        for person in &mut self.persons {
            person.name = FOLLOWS;
        }
        self
    }

    /// Whether this is the principal, as far as its own answers say who it is.
    pub(super) fn is_person(&self, person: &Person) -> Option<bool> {
        let [mail, name] = &self.persons;
        let field = if person.mail { mail } else { name };
        (field.kept > 0 && field.is_faithful()).then_some(field.value == brief(person.user))
    }
}

impl Field {
    fn note(&mut self, value: u16) {
        if self.kept.max(self.strayed) == u8::MAX {
            (self.kept, self.strayed) = (self.kept / 2, self.strayed / 2);
        }
        if value == self.value {
            self.kept += 1;
        } else if self.strayed < self.kept {
            self.strayed += 1;
        } else {
            (self.value, self.kept, self.strayed) = (value, 1, self.strayed + 1);
        }
    }

    fn is_faithful(self) -> bool {
        self.kept >= FAITH.saturating_mul(self.strayed).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::identity::InstallKey;

    const USER: u64 = 7 << 56;
    const ORDER: u64 = 9 << 56;

    fn id(n: u64) -> ObjectId {
        ObjectId::new(n.to_string().as_bytes(), &InstallKey([4; 16]))
    }

    #[test]
    fn what_all_answers_have_in_common_is_the_principals() {
        let mut own = Own::default();
        assert!(own.is_empty());
        for n in 0..1000 {
            for other in 0..6 {
                own.note(ORDER + (other << 57), &id(n * 7 + other));
            }
            own.note(USER, &id(5));
        }
        assert!(
            own.look(USER, &id(5))
                .is_some_and(|(kept, mine)| mine && kept > 100)
        );
        assert!(own.look(USER, &id(6)).is_some_and(|(_, mine)| !mine));
        for other in 0..6 {
            let order = own.look(ORDER + (other << 57), &id(6));
            assert!(order.is_none_or(|(kept, _)| kept <= 1), "{order:?}");
        }
    }

    #[test]
    fn who_meets_many_has_no_value_of_its_own() {
        let mut own = Own::default();
        for n in 0..100 {
            own.note(USER, &id(n % 3));
        }
        assert_eq!(own.look(USER, &id(0)), None);
        let mut own = Own::default();
        for n in 0..1000 {
            // A few objects of the team's others among its own.
            own.note(USER, &id(if n % 10 == 9 { n } else { 3 }));
        }
        assert!(own.look(USER, &id(3)).is_some_and(|(_, mine)| mine));
    }
}
