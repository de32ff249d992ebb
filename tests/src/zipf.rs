//! Skewed keys, the same each time.

/// Draws ranks by Zipf's law with exponent 1: rank `n` comes a part of `n + 1` as often as rank 0.
pub struct Zipf {
    random: fastrand::Rng,
    /// The sum of all weights up to each rank.
    up_to: Vec<f64>,
}

impl Zipf {
    /// So many ranks, drawn from this seed.
    pub fn new(seed: u64, ranks: u32) -> Self {
        let mut sum = 0.0;
        let up_to = (1..=ranks).map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        });
        Self { random: fastrand::Rng::with_seed(seed), up_to: up_to.collect() }
    }

    /// The next rank.
    pub fn draw(&mut self) -> usize {
        let all = self.up_to.last().copied().unwrap_or(0.0);
        let drawn = self.random.f64() * all;
        self.up_to.partition_point(|sum| *sum < drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::Zipf;

    #[test]
    fn the_first_rank_is_drawn_about_twice_as_often_as_the_second() {
        let mut zipf = Zipf::new(2_013, 4_000);
        let drawn: Vec<_> = (0..100_000).map(|_| zipf.draw()).collect();
        let of = |rank| drawn.iter().filter(|drawn| **drawn == rank).count();
        assert!((10_000..12_500).contains(&of(0)), "{}", of(0));
        assert!((5_000..6_300).contains(&of(1)), "{}", of(1));
    }
}
