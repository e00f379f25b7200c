//! How far the writing is: a bar on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Plain lines are printed after each of this many parts of the whole.
const PLAIN_PARTS: usize = 4;

/// Shows progress on standard error.
pub struct Progress {
    total: usize,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    /// Parts that have been printed.
    Lines(usize),
    Nothing,
}

impl Progress {
    /// Of `total` chunks; a quiet one shows nothing.
    pub fn new(total: usize, quiet: bool) -> Self {
        let shown = if quiet {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
            // The default bar is as good where the template is not understood.
            if let Ok(style) =
                ProgressStyle::with_template("writing {wide_bar} {pos}/{len} {elapsed_precise}")
            {
                bar.set_style(style);
            }
            Shown::Bar(bar)
        } else {
            Shown::Lines(0)
        };
        Self { total, shown }
    }

    /// `done` chunks stand.
    pub fn set(&mut self, done: usize) {
        match &mut self.shown {
            Shown::Bar(bar) => bar.set_position(u64::try_from(done).unwrap_or(u64::MAX)),
            Shown::Lines(printed) => {
                let part = parts(done, self.total);
                if part > *printed {
                    *printed = part;
                    eprintln!("written {done} of {} chunks", self.total);
                }
            }
            Shown::Nothing => {}
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Shown::Bar(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}

fn parts(done: usize, total: usize) -> usize {
    done.saturating_mul(PLAIN_PARTS)
        .checked_div(total)
        .unwrap_or(PLAIN_PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_progress_has_few_lines() {
        let lines = (0..=254).map(|done| parts(done, 254));
        let mut seen: Vec<_> = lines.collect();
        seen.dedup();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        assert_eq!(parts(0, 0), PLAIN_PARTS);
    }
}
