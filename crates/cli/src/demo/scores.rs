//! Four matches of invented teams, a minute a turn, goals as rare as goals are.

use serde_json::{Value, json};

use super::dice::Dice;

const TEAMS: [&str; 14] = [
    "Harbour Town",
    "Northfield",
    "Ashby Rovers",
    "Linden Park",
    "Saltmarsh",
    "Kingsmere",
    "Orchard Vale",
    "Westgate",
    "Fenwick United",
    "Copperhill",
    "Brindle Athletic",
    "Eastwater",
    "Stonebridge",
    "Larkspur",
];

/// Turns that a match stands at half time, and that its result stays on the board.
const PAUSE: i64 = 6;
const AFTER: i64 = 12;

#[derive(Debug, Clone, Copy)]
enum Phase {
    Half { minute: i64, end: i64 },
    Pause { left: i64 },
    Over { left: i64 },
}

#[derive(Debug)]
struct Match {
    home: &'static str,
    away: &'static str,
    goals: (u32, u32),
    phase: Phase,
}

/// The scoreboard.
#[derive(Debug)]
pub(crate) struct Scoreboard {
    matches: Vec<Match>,
    /// The teams that do not play, the next to play first.
    bench: Vec<&'static str>,
}

impl Scoreboard {
    /// Starts four matches at different minutes.
    #[must_use]
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut board = Self {
            matches: Vec::new(),
            bench: TEAMS.into(),
        };
        for minute in [8, 27, 55, 74] {
            let mut game = board.kick_off(dice);
            for _ in 0..minute {
                game.play(dice);
            }
            board.matches.push(game);
        }
        board
    }

    fn kick_off(&mut self, dice: &mut Dice) -> Match {
        let mut call = || {
            let last = i64::try_from(self.bench.len()).unwrap_or(0).max(1) - 1;
            let index = usize::try_from(dice.between(0, last)).unwrap_or(0);
            if index < self.bench.len() {
                self.bench.remove(index)
            } else {
                ""
            }
        };
        Match {
            home: call(),
            away: call(),
            goals: (0, 0),
            phase: Phase::Half { minute: 0, end: 45 },
        }
    }

    /// Plays a minute of every match and tells the whole board.
    pub(crate) fn tick(&mut self, dice: &mut Dice) -> String {
        for index in 0..self.matches.len() {
            let over = self.matches.get_mut(index).is_some_and(|game| {
                game.play(dice);
                matches!(game.phase, Phase::Over { left: 0 })
            });
            if over {
                let next = self.kick_off(dice);
                if let Some(game) = self.matches.get_mut(index) {
                    self.bench.extend([game.home, game.away]);
                    *game = next;
                }
            }
        }
        let matches: Vec<Value> = self.matches.iter().map(Match::tell).collect();
        json!({ "matches": matches }).to_string()
    }
}

impl Match {
    fn play(&mut self, dice: &mut Dice) {
        self.phase = match self.phase {
            Phase::Half { minute, end } if minute == end => match end {
                45 => Phase::Pause { left: PAUSE },
                _ => Phase::Over { left: AFTER },
            },
            Phase::Half { minute, end } => {
                // 2.8 goals a match, a little more for who plays at home.
                if dice.once_in(32) {
                    match dice.between(1, 100) {
                        ..=56 => self.goals.0 += 1,
                        57.. => self.goals.1 += 1,
                    }
                }
                let minute = minute + 1;
                Phase::Half { minute, end }
            }
            Phase::Pause { left: 0 } => Phase::Half {
                minute: 45,
                end: 90,
            },
            Phase::Pause { left } => Phase::Pause { left: left - 1 },
            Phase::Over { left } => Phase::Over {
                left: (left - 1).max(0),
            },
        };
    }

    fn tell(&self) -> Value {
        let when = match self.phase {
            Phase::Half { minute, .. } => format!("{minute}′"),
            Phase::Pause { .. } => "half time".into(),
            Phase::Over { .. } => "full time".into(),
        };
        json!({
            "home": self.home,
            "away": self.away,
            "score": [self.goals.0, self.goals.1],
            "when": when,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_keeps_four_matches_of_eight_teams_with_few_goals() {
        let mut dice = Dice::new(11, 0);
        let mut board = Scoreboard::new(&mut dice);
        let mut ended = Vec::new();
        for _ in 0..4_000 {
            let told: Value = serde_json::from_str(&board.tick(&mut dice)).unwrap();
            let matches = told["matches"].as_array().unwrap();
            let teams: std::collections::BTreeSet<String> = matches
                .iter()
                .flat_map(|game| [game["home"].to_string(), game["away"].to_string()])
                .collect();
            assert_eq!((matches.len(), teams.len()), (4, 8), "{told}");
            for game in matches.iter().filter(|game| game["when"] == "full time") {
                ended.push(game["score"][0].as_u64().unwrap() + game["score"][1].as_u64().unwrap());
            }
        }
        let mean = ended.iter().sum::<u64>() as f64 / ended.len() as f64;
        assert!((1.5..4.5).contains(&mean), "{mean} goals a match");
        assert!(ended.iter().all(|goals| *goals < 15));
    }
}
