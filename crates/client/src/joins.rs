//! The channels that a subscription reads besides that of its URL, and where it stands in each.
//!
//! Wanted -> Asked -> Open, on each connection anew.

use crate::subscribe::start_parameter;
use crate::{Error, Start};

/// Most channels that one subscription joins: with that of its URL a server carries 100.
const MAX_JOINS: usize = 99;
/// Longest name of a channel, in octets.
const MAX_NAME_LEN: usize = 255;

/// One more channel.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) name: String,
    pub(crate) start: Start,
    pub(crate) position: Option<String>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The connection was not asked yet.
    Wanted,
    /// The frame with this number asked. What comes before its answer is of an earlier life.
    Asked { reference: u64 },
    /// Messages come.
    Open,
}

/// What the connection is to be told of the joined channels.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Subscribe {
        name: String,
        start: Option<(&'static str, String)>,
        reference: u64,
    },
    Unsubscribe {
        name: String,
    },
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Joins {
    list: Vec<Join>,
    /// Channels that the connection still sends and that nobody wants.
    leaving: Vec<String>,
    count: u64,
    dirty: bool,
}

impl Joins {
    /// Adds a channel.
    pub(crate) fn join(&mut self, name: &str, start: Start) -> Result<(), Error> {
        let refuse = |why| {
            Err(Error::Join {
                channel: crate::error::one_line(name),
                why,
            })
        };
        if name.is_empty() || name.len() > MAX_NAME_LEN {
            return refuse("a name has 1 to 255 octets");
        }
        if self.get(name).is_some() {
            return refuse("it is joined already");
        }
        if self.list.len() == MAX_JOINS {
            return refuse("99 channels are joined already");
        }
        let position = match &start {
            Start::After(position) => Some(position.clone()),
            Start::Latest | Start::Earliest | Start::Back(_) => None,
        };
        self.list.push(Join {
            name: name.to_owned(),
            start,
            position,
            state: State::Wanted,
        });
        self.dirty = true;
        Ok(())
    }

    /// Takes a channel out; false where it is not in.
    pub(crate) fn leave(&mut self, name: &str) -> bool {
        let Some(at) = self.list.iter().position(|join| join.name == name) else {
            return false;
        };
        let join = self.list.remove(at);
        if join.state != State::Wanted {
            self.leaving.push(join.name);
            self.dirty = true;
        }
        true
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Join> {
        self.list.iter().find(|join| join.name == name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Join> {
        self.list.iter()
    }

    /// Notes where a channel stands.
    pub(crate) fn moved(&mut self, name: &str, position: &str) {
        if let Some(join) = self.get_mut(name) {
            join.position = Some(position.to_owned());
        }
    }

    /// Gives a number that no other frame of this subscription has.
    pub(crate) const fn reference(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A fresh connection knows of no channel.
    pub(crate) fn reconnected(&mut self) {
        self.leaving.clear();
        for join in &mut self.list {
            join.state = State::Wanted;
        }
        self.dirty = true;
    }

    /// Takes what the connection is to be told.
    pub(crate) fn orders(&mut self) -> Vec<Order> {
        if !core::mem::take(&mut self.dirty) {
            return Vec::new();
        }
        let mut orders: Vec<_> = self
            .leaving
            .drain(..)
            .map(|name| Order::Unsubscribe { name })
            .collect();
        for join in &mut self.list {
            if join.state == State::Wanted {
                self.count += 1;
                let reference = self.count;
                join.state = State::Asked { reference };
                orders.push(Order::Subscribe {
                    name: join.name.clone(),
                    start: start_parameter(&join.start, join.position.as_deref()),
                    reference,
                });
            }
        }
        orders
    }

    /// The server carried out a subscribe: the channel is read from `position` on.
    pub(crate) fn opened(&mut self, name: &str, reference: Option<u64>, position: String) {
        if let Some(join) = self.get_mut(name)
            && matches!(join.state, State::Asked { reference: asked } if Some(asked) == reference)
        {
            join.position = Some(position);
            join.state = State::Open;
        }
    }

    /// Something of a channel was handed out; false where nobody wants it.
    pub(crate) fn delivered(&mut self, name: &str, position: &str) -> bool {
        match self.get_mut(name) {
            Some(join) if join.state == State::Open => {
                join.position = Some(position.to_owned());
                true
            }
            Some(_) | None => false,
        }
    }

    /// The server sends nothing more of a channel; false where nobody wanted it.
    pub(crate) fn ended(&mut self, name: &str) -> bool {
        let open = |join: &Join| join.name == name && join.state == State::Open;
        match self.list.iter().position(open) {
            Some(at) => {
                self.list.remove(at);
                true
            }
            None => false,
        }
    }

    /// The server refused the frame with this number: gives the channel that it asked for.
    pub(crate) fn refused(&mut self, reference: u64) -> Option<String> {
        let asked = State::Asked { reference };
        let at = self.list.iter().position(|join| join.state == asked)?;
        Some(self.list.remove(at).name)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Join> {
        self.list.iter_mut().find(|join| join.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(orders: &[Order]) -> Vec<String> {
        orders
            .iter()
            .map(|order| match order {
                Order::Subscribe { name, start, .. } => match start {
                    Some((word, value)) => format!("+{name} {word}={value}"),
                    None => format!("+{name}"),
                },
                Order::Unsubscribe { name } => format!("-{name}"),
            })
            .collect()
    }

    fn reference(order: &Order) -> Option<u64> {
        match order {
            Order::Subscribe { reference, .. } => Some(*reference),
            Order::Unsubscribe { .. } => None,
        }
    }

    #[test]
    fn each_connection_is_asked_once_and_from_where_the_channel_stands() {
        let mut joins = Joins::default();
        joins.join("a", Start::Earliest).unwrap();
        joins.join("b", Start::After("e.4".into())).unwrap();
        let orders = joins.orders();
        assert_eq!(names(&orders), ["+a from=earliest", "+b after=e.4"]);
        assert!(joins.orders().is_empty());
        joins.opened("a", reference(&orders[0]), "f.0".into());
        assert!(joins.delivered("a", "f.1"));
        joins.reconnected();
        assert_eq!(names(&joins.orders()), ["+a after=f.1", "+b after=e.4"]);
    }

    #[test]
    fn what_comes_of_an_earlier_life_of_a_channel_is_not_taken() {
        let mut joins = Joins::default();
        joins.join("a", Start::Latest).unwrap();
        let first = joins.orders();
        joins.opened("a", reference(&first[0]), "e.1".into());
        assert!(joins.leave("a"));
        assert!(!joins.delivered("a", "e.2"), "left");
        joins.join("a", Start::Earliest).unwrap();
        let orders = joins.orders();
        assert_eq!(names(&orders), ["-a", "+a from=earliest"]);
        assert!(!joins.delivered("a", "e.3"), "sent before it was left");
        joins.opened("a", reference(&first[0]), "e.3".into());
        assert!(!joins.delivered("a", "e.4"), "an answer to the first frame");
        joins.opened("a", reference(&orders[1]), "e.0".into());
        assert!(joins.delivered("a", "e.1"));
        assert_eq!(joins.get("a").unwrap().position.as_deref(), Some("e.1"));
    }

    #[test]
    fn a_channel_that_no_connection_knows_is_left_without_a_word() {
        let mut joins = Joins::default();
        joins.join("a", Start::Latest).unwrap();
        assert!(joins.leave("a"));
        assert!(!joins.leave("a"));
        assert!(joins.orders().is_empty());
    }

    #[test]
    fn a_refusal_names_the_channel_by_its_number() {
        let mut joins = Joins::default();
        joins.join("a", Start::Latest).unwrap();
        joins.join("b", Start::Latest).unwrap();
        let orders = joins.orders();
        let number = reference(&orders[1]).unwrap();
        assert_eq!(joins.refused(number).as_deref(), Some("b"));
        assert_eq!(joins.refused(number), None);
        assert!(joins.get("a").is_some());
    }

    #[test]
    fn a_subscription_reads_100_channels_at_most() {
        let mut joins = Joins::default();
        for n in 0..99 {
            joins.join(&n.to_string(), Start::Latest).unwrap();
        }
        let full = joins.join("one more", Start::Latest).unwrap_err();
        assert!(full.to_string().contains("99 channels"), "{full}");
        let twice = joins.join("7", Start::Latest).unwrap_err();
        assert!(twice.to_string().contains("already"), "{twice}");
    }
}
