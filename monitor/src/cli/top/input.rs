//! Keys to changes of the state, and to what is asked of the daemon. Must not know the terminal.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{
    feed::Ask,
    list::{Key, View},
    model::{Focus, Model},
    order::Deed,
};

/// Longest filter, characters. A paste that was not meant.
const FILTER: usize = 64;
/// Lines of a page.
const PAGE: isize = 10;

/// What the program has to do after a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Action {
    None,
    Ask(Ask),
    End,
}

/// Carries out one key.
pub(super) fn key(model: &mut Model, key: KeyEvent) -> Action {
    if key.kind == KeyEventKind::Release {
        return Action::None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'd') => Action::End,
            _ => Action::None,
        };
    }
    match model.focus.clone() {
        Focus::List => in_list(model, key.code),
        Focus::Filter(before) => in_filter(model, key.code, before),
        Focus::Detail { key: about, scroll } => in_detail(model, key.code, about, scroll),
        Focus::Confirm { order, before } => {
            model.focus = *before;
            if matches!(key.code, KeyCode::Char('y' | 'Y')) {
                return Action::Ask(Ask::Do(order));
            }
            model.say("nothing was done".to_owned(), false);
            Action::None
        }
        Focus::Help => {
            model.focus = Focus::List;
            Action::None
        }
    }
}

fn in_list(model: &mut Model, code: KeyCode) -> Action {
    model.notice = None;
    match code {
        KeyCode::Char('q') => return Action::End,
        KeyCode::Esc => {
            model.filter.clear();
            model.settle();
        }
        KeyCode::Char(digit @ '1'..='6') => {
            let index = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
            let view = index.and_then(|index| View::ALL.get(index.saturating_sub(1)));
            model.show(view.copied().unwrap_or_default());
        }
        KeyCode::Tab | KeyCode::Right | KeyCode::Char('l') => model.show(model.view.next(1)),
        KeyCode::BackTab | KeyCode::Left | KeyCode::Char('h') => {
            model.show(model.view.next(View::ALL.len() - 1));
        }
        KeyCode::Down | KeyCode::Char('j') => model.step(1),
        KeyCode::Up | KeyCode::Char('k') => model.step(-1),
        KeyCode::PageDown => model.step(PAGE),
        KeyCode::PageUp => model.step(-PAGE),
        KeyCode::Home | KeyCode::Char('g') => model.step(isize::MIN),
        KeyCode::End | KeyCode::Char('G') => model.step(isize::MAX),
        KeyCode::Enter => return open(model),
        KeyCode::Char('/') => model.focus = Focus::Filter(model.filter.clone()),
        KeyCode::Char('s') => model.sort_on(),
        KeyCode::Char('r') => model.turn(),
        KeyCode::Char(' ') => model.held = !model.held,
        KeyCode::Char('?') => model.focus = Focus::Help,
        KeyCode::Char(deed) => confirm(model, deed),
        _ => {}
    }
    Action::None
}

fn open(model: &mut Model) -> Action {
    let Some(key) = model.chosen_key() else {
        return Action::None;
    };
    let ask = match key {
        Key::Case(number) => Action::Ask(Ask::Explain(number)),
        _ => Action::None,
    };
    model.focus = Focus::Detail { key, scroll: 0 };
    ask
}

fn in_filter(model: &mut Model, code: KeyCode, before: String) -> Action {
    match code {
        KeyCode::Enter => model.focus = Focus::List,
        KeyCode::Esc => {
            model.filter = before;
            model.focus = Focus::List;
        }
        KeyCode::Backspace => drop(model.filter.pop()),
        KeyCode::Char(c) if model.filter.chars().count() < FILTER => model.filter.push(c),
        _ => {}
    }
    model.settle();
    Action::None
}

fn in_detail(model: &mut Model, code: KeyCode, about: Key, scroll: usize) -> Action {
    model.notice = None;
    let page = PAGE.unsigned_abs();
    let scroll = match code {
        KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') | KeyCode::Backspace => {
            model.focus = Focus::List;
            return Action::None;
        }
        KeyCode::Down | KeyCode::Char('j') => scroll.saturating_add(1),
        KeyCode::Up | KeyCode::Char('k') => scroll.saturating_sub(1),
        KeyCode::PageDown | KeyCode::Char(' ') => scroll.saturating_add(page),
        KeyCode::PageUp => scroll.saturating_sub(page),
        KeyCode::Home => 0,
        KeyCode::Char(deed) => {
            confirm(model, deed);
            return Action::None;
        }
        _ => scroll,
    };
    let scroll = scroll.min(model.scroll_max(&about));
    model.focus = Focus::Detail { key: about, scroll };
    Action::None
}

/// Asks whether to do what the key stands for.
fn confirm(model: &mut Model, key: char) {
    let deed = match key {
        'b' => Deed::Block,
        'a' => Deed::Allow,
        'u' => Deed::Unblock,
        _ => return,
    };
    match model.order_for(deed) {
        Ok(order) => {
            let before = Box::new(std::mem::take(&mut model.focus));
            model.focus = Focus::Confirm { order, before };
        }
        Err(why) => model.say(why.to_owned(), true),
    }
}
