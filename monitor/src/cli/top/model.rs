//! What is known, chosen and typed: the whole state of the screen. Time is an argument. Must not know keys, the
//! terminal or the daemon.

use std::time::Duration;

use super::{
    super::table::Cell,
    detail,
    feed::{Message, Snapshot},
    list::{self, Key, Listed, View},
    order::{Deed, NETS, Order},
};
use crate::{control::dto::Explanation, time::Timestamp};

/// What the keys go to.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) enum Focus {
    /// The list.
    #[default]
    List,
    /// The line that is typed behind `/`; what stood there before.
    Filter(String),
    /// One thing in full, so many lines scrolled.
    Detail { key: Key, scroll: usize },
    /// A question that waits for yes or no; and what was in focus.
    Confirm { order: Order, before: Box<Focus> },
    /// The keys.
    Help,
}

/// How a list stands.
#[derive(Clone, PartialEq, Debug, Default)]
struct Place {
    key: Option<Key>,
    index: usize,
    sort: usize,
    turned: bool,
}

/// A word to the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) bad: bool,
}

/// The state.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) view: View,
    pub(super) focus: Focus,
    pub(super) filter: String,
    pub(super) notice: Option<Notice>,
    pub(super) held: bool,
    pub(super) explanation: Option<Explanation>,
    /// Columns and lines of the terminal.
    pub(super) size: (u16, u16),
    look: Option<Look>,
    before: Option<Look>,
    lost: Option<String>,
    places: [Place; View::ALL.len()],
}

/// One look at the daemon, and when it was.
#[derive(Debug)]
struct Look {
    at: Timestamp,
    snapshot: Snapshot,
}

impl Model {
    /// Takes what has come at `now`; whether the program is to end.
    pub(super) fn take(&mut self, message: Message, now: Timestamp) -> bool {
        match message {
            Message::Look(snapshot) => {
                self.lost = None;
                if !self.held {
                    let look = Look {
                        at: now,
                        snapshot: *snapshot,
                    };
                    self.before = self.look.replace(look);
                    self.settle();
                }
            }
            Message::Lost(why) => self.lost = Some(why),
            Message::Explained(explanation) => self.explanation = Some(*explanation),
            Message::Done(lines) => self.say(lines.join("; "), false),
            Message::Refused(why) => self.say(why, true),
            Message::End => return true,
        }
        false
    }

    pub(super) fn say(&mut self, text: String, bad: bool) {
        self.notice = Some(Notice { text, bad });
    }

    /// The last look, if there was one.
    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.look.as_ref().map(|look| &look.snapshot)
    }

    /// Why the daemon does not answer, if it does not.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// How old what is shown is.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        self.look
            .as_ref()
            .map_or(Duration::ZERO, |look| now.since(look.at))
    }

    /// The list in view, as filtered and sorted.
    pub(super) fn listed(&self) -> Listed {
        let Some(look) = &self.look else {
            return Listed::default();
        };
        let before = self
            .before
            .as_ref()
            .map(|before| (&before.snapshot, look.at.since(before.at)));
        let place = self.place();
        list::list(self.view, &look.snapshot, before, &self.filter).sorted(
            self.view,
            place.sort,
            place.turned,
        )
    }

    /// The name of the order that the list in view is in, and whether it is turned round.
    pub(super) fn order(&self) -> (&'static str, bool) {
        let place = self.place();
        (self.view.sort_name(place.sort), place.turned)
    }

    /// Which line of the list in view is chosen.
    pub(super) fn chosen(&self) -> usize {
        self.place().index
    }

    /// What is chosen.
    pub(super) fn chosen_key(&self) -> Option<Key> {
        match &self.focus {
            Focus::Detail { key, .. } => Some(key.clone()),
            _ => self.place().key.clone(),
        }
    }

    /// Goes to another list.
    pub(super) fn show(&mut self, view: View) {
        self.view = view;
        self.focus = Focus::List;
        self.settle();
    }

    /// Chooses the line so many lines on.
    pub(super) fn step(&mut self, by: isize) {
        let index = self.place().index.saturating_add_signed(by);
        let listed = self.listed();
        let index = index.min(listed.len().saturating_sub(1));
        let key = listed.key(index);
        let place = self.place_mut();
        (place.index, place.key) = (index, key);
    }

    /// The next order.
    pub(super) fn sort_on(&mut self) {
        let count = self.view.sorts();
        let place = self.place_mut();
        place.sort = (place.sort + 1) % count.max(1);
        self.settle();
    }

    /// Turns the order round.
    pub(super) fn turn(&mut self) {
        let place = self.place_mut();
        place.turned = !place.turned;
        self.settle();
    }

    /// Keeps the choice on what was chosen, wherever it stands now; where it is gone, on the same line.
    pub(super) fn settle(&mut self) {
        let listed = self.listed();
        let place = self.place();
        let found = place.key.as_ref().and_then(|key| listed.position(key));
        let index = found.unwrap_or(place.index).min(listed.len().saturating_sub(1));
        let key = listed.key(index);
        let place = self.place_mut();
        (place.index, place.key) = (index, key);
    }

    /// What is shown in full: its title, and its lines as the terminal is wide.
    pub(super) fn detail(&self, key: &Key) -> (String, Vec<Cell>) {
        let Some(snapshot) = self.snapshot() else {
            return Default::default();
        };
        let (title, lines) = detail::lines(key, snapshot, self.explanation.as_ref());
        let columns = usize::from(self.size.0).saturating_sub(4).max(1);
        (
            title,
            lines
                .iter()
                .flat_map(|line| detail::wrapped(line, columns))
                .collect(),
        )
    }

    /// How far what is shown in full can be scrolled.
    pub(super) fn scroll_max(&self, key: &Key) -> usize {
        let lines = usize::from(self.size.1).saturating_sub(4);
        self.detail(key).1.len().saturating_sub(lines)
    }

    /// The order to do this to what is chosen; a word why there is none.
    pub(super) fn order_for(&self, deed: Deed) -> Result<Order, &'static str> {
        let (Some(snapshot), Some(key)) = (self.snapshot(), self.chosen_key()) else {
            return Err("nothing is chosen");
        };
        let mut nets = key.nets(snapshot);
        nets.truncate(NETS);
        if nets.is_empty() {
            return Err("that has no address of its own; choose a source, a lease or a case");
        }
        Ok(Order { deed, nets })
    }

    fn place(&self) -> &Place {
        static NOWHERE: Place = Place {
            key: None,
            index: 0,
            sort: 0,
            turned: false,
        };
        self.places.get(self.view.index()).unwrap_or(&NOWHERE)
    }

    #[expect(clippy::indexing_slicing, reason = "as many places as views")]
    fn place_mut(&mut self) -> &mut Place {
        &mut self.places[self.view.index()]
    }
}
