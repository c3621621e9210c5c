//! How far a step moves the weights.

use super::distribution::norm;

/// The weights before a step, by layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    /// Steps that had been taken.
    steps: u64,
    weights: Vec<Vec<f32>>,
}

impl Noted {
    /// Notes the weights of the layers, in their order, after `steps` steps.
    pub(crate) fn note<'a>(&mut self, steps: u64, weights: impl ExactSizeIterator<Item = &'a [f32]>) {
        self.steps = steps;
        self.weights.resize(weights.len(), Vec::new());
        for (noted, weights) in self.weights.iter_mut().zip(weights) {
            noted.clear();
            noted.extend_from_slice(weights);
        }
    }

    /// The norm of the layer's weight, and by how much of its norm before the last step moved it, where it was noted and not 0.
    pub(crate) fn movement(&self, layer: usize, steps: u64, weight: &[f32]) -> (f64, Option<f64>) {
        let before = self.weights.get(layer).filter(|_| steps == self.steps + 1);
        let ratio = before.and_then(|before| {
            let size = norm(before);
            (size != 0.0).then(|| distance(weight, before) / size)
        });
        (norm(weight), ratio)
    }
}

/// The L2 norm of the difference. The differences of a few values at a time need no memory of their own.
fn distance(after: &[f32], before: &[f32]) -> f64 {
    const FEW: usize = 1024;
    let mut differences = [0.0; FEW];
    let squares = after.chunks(FEW).zip(before.chunks(FEW)).map(|(after, before)| {
        let differences = &mut differences[..after.len()];
        for ((difference, after), before) in differences.iter_mut().zip(after).zip(before) {
            *difference = after - before;
        }
        norm(differences).powi(2)
    });
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_measured_by_the_weight_before_it() {
        let mut noted = Noted::default();
        assert_eq!(noted.movement(0, 1, &[3.0, 4.0]), (5.0, None), "nothing was noted");
        noted.note(7, [&[3.0, 0.0][..], &[0.0]].into_iter());
        assert_eq!(noted.movement(0, 8, &[3.0, 4.0]), (5.0, Some(4.0 / 3.0)));
        assert_eq!(noted.movement(1, 8, &[2.0]), (2.0, None), "zeros have no size to measure by");
        assert_eq!(noted.movement(0, 9, &[3.0, 4.0]), (5.0, None), "two steps are not the last one");
    }
}
