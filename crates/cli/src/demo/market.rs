//! Prices of invented companies that walk like prices: small steps, drawn back to where they opened.

use serde_json::json;

use super::dice::Dice;

/// Symbol, name, opening price and largest step in hundredths.
const LISTED: [(&str, &str, i64, i64); 6] = [
    ("NRDL", "Nordlys Energy", 8_420, 14),
    ("KSTR", "Kestrel Optics", 21_375, 46),
    ("BRCK", "Brackenfield Rail", 4_615, 7),
    ("TIDE", "Tidewater Foods", 6_190, 9),
    ("HALO", "Halo Instruments", 13_240, 31),
    ("QVRN", "Quiver & Noble", 2_785, 6),
];

#[derive(Debug)]
struct Share {
    symbol: &'static str,
    name: &'static str,
    open: i64,
    price: i64,
    step: i64,
}

/// A market that moves one price at a time.
#[derive(Debug)]
pub(crate) struct Market {
    shares: Vec<Share>,
    turn: usize,
}

impl Market {
    /// Opens a market, some time into its day.
    #[must_use]
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let shares = LISTED.map(|(symbol, name, open, step)| Share {
            symbol,
            name,
            open,
            price: open + dice.between(-step * 8, step * 8),
            step,
        });
        Self {
            shares: shares.into(),
            turn: 0,
        }
    }

    /// Moves a price and tells it. Each share has its turn, so that none is silent for long.
    pub(crate) fn tick(&mut self, dice: &mut Dice) -> String {
        let count = self.shares.len().max(1);
        self.turn = (self.turn + 1) % count;
        let Some(share) = self.shares.get_mut(self.turn) else {
            return String::new();
        };
        // Two draws make small steps likelier than large ones.
        let step = dice.between(-share.step, share.step) + dice.between(-share.step, share.step);
        let back = (share.open - share.price) / 40;
        share.price = (share.price + step + back).max(1);
        json!({
            "symbol": share.symbol,
            "name": share.name,
            "price": hundredths(share.price),
            "open": hundredths(share.open),
        })
        .to_string()
    }
}

fn hundredths(cents: i64) -> f64 {
    cents as f64 / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_move_in_small_steps_and_stay_near_where_they_opened() {
        let mut dice = Dice::new(3, 0);
        let mut market = Market::new(&mut dice);
        let mut seen = std::collections::BTreeMap::<String, f64>::new();
        for _ in 0..6_000 {
            let tick: serde_json::Value = serde_json::from_str(&market.tick(&mut dice)).unwrap();
            let (price, open) = (tick["price"].as_f64(), tick["open"].as_f64());
            let (price, open) = (price.unwrap(), open.unwrap());
            assert!((price / open - 1.0).abs() < 0.2, "{tick}");
            if let Some(before) = seen.insert(tick["symbol"].to_string(), price) {
                assert!((price / before - 1.0).abs() < 0.02, "{tick} after {before}");
            }
        }
        assert_eq!(seen.len(), LISTED.len());
    }
}
