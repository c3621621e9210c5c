//! What a trained model takes and says: enough to use its weights without its data.

use crate::ReportError;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// `model.json` of a run. The numbers are exact: an f32 that is written here is the same f32 when it is read back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// [`Signature::FORMAT`].
    pub format: u32,
    /// The shape of one example: `[28, 28, 1]` for an image (height, width, channels), `[30]` for a table's row.
    pub example_shape: Vec<usize>,
    /// What white is in pixels: 255 for most images, 16 for `digits`. `None` for measurements.
    #[serde(default)]
    pub full_scale: Option<u8>,
    /// What the features of a table are called, in order. Empty for images.
    #[serde(default)]
    pub feature_names: Vec<String>,
    /// `scaled = (feature - offset) / divisor`, in f32: one value for all features, or one for each.
    pub offset: Vec<f32>,
    /// As many as `offset`; never 0.
    pub divisor: Vec<f32>,
    /// One name per class, in label order.
    pub classes: Vec<String>,
    /// What the logits mean.
    pub head: OutputHead,
}

/// How logits become probabilities, as `model.head` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputHead {
    /// One logit per class; `p(c) = exp(z_c) / sum_k exp(z_k)`.
    Softmax,
    /// One logit; `p(class 1) = 1 / (1 + exp(-z))`, of two classes.
    Sigmoid,
}

impl Signature {
    /// The format that this version writes, and the newest that it reads. Fields may be added within a format.
    pub const FORMAT: u32 = 1;

    /// Reads and checks a signature.
    ///
    /// # Errors
    /// A file that is missing, damaged, of a newer format, or whose parts do not fit together.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let bytes = std::fs::read(path).map_err(|reason| ReportError::NoSignature { path: path.to_owned(), reason })?;
        let signature: Self = serde_json::from_slice(&bytes).map_err(|reason| ReportError::Malformed { path: path.to_owned(), reason })?;
        match signature.problem() {
            None => Ok(signature),
            Some(problem) => Err(ReportError::UnusableSignature { path: path.to_owned(), problem }),
        }
    }

    /// Numbers per example.
    #[must_use]
    pub fn num_features(&self) -> usize {
        self.example_shape.iter().product()
    }

    /// Logits per example.
    #[must_use]
    pub fn num_logits(&self) -> usize {
        match self.head {
            OutputHead::Softmax => self.classes.len(),
            OutputHead::Sigmoid => 1,
        }
    }

    fn problem(&self) -> Option<String> {
        let Self { format, offset, divisor, classes, feature_names, .. } = self;
        let features = self.example_shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)).unwrap_or(0);
        let is_usable = |(offset, divisor): (&f32, &f32)| offset.is_finite() && divisor.is_finite() && *divisor != 0.0;
        if *format > Self::FORMAT {
            Some(format!("is of format {format}, and this version reads up to {}", Self::FORMAT))
        } else if features == 0 {
            Some(format!("has examples of shape {:?}", self.example_shape))
        } else if offset.len() != divisor.len() || !(offset.len() == 1 || offset.len() == features) {
            Some(format!("scales {features} features by {} offsets and {} divisors", offset.len(), divisor.len()))
        } else if !offset.iter().zip(divisor).all(is_usable) {
            Some("scales by a number that is not finite, or divides by 0".into())
        } else if classes.len() < 2 || (self.head == OutputHead::Sigmoid && classes.len() != 2) {
            Some(format!("has a {:?} head over {} classes", self.head, classes.len()).to_lowercase())
        } else if !(feature_names.is_empty() || feature_names.len() == features) {
            Some(format!("names {} of {features} features", feature_names.len()))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Signature {
        Signature {
            format: Signature::FORMAT,
            example_shape: vec![2],
            full_scale: None,
            feature_names: vec!["width".into(), "height".into()],
            offset: vec![0.1, -3.402_823_5e38],
            divisor: vec![1e-45, 0.333_333_34],
            classes: vec!["no".into(), "yes".into()],
            head: OutputHead::Sigmoid,
        }
    }

    fn read(signature: &Signature) -> Result<Signature, ReportError> {
        let folder = std::env::temp_dir().join(format!("relumine-signature-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let thread = format!("{:?}.json", std::thread::current().id()).replace(['(', ')'], "-");
        let path = folder.join(thread);
        std::fs::write(&path, serde_json::to_vec_pretty(signature).unwrap()).unwrap();
        let result = Signature::read(&path);
        std::fs::remove_file(path).unwrap();
        result
    }

    #[test]
    fn every_number_comes_back_bit_by_bit() {
        let mut signature = small();
        signature.example_shape = vec![50_000];
        signature.feature_names.clear();
        // Every exponent, with mantissas from all over.
        let any = |i: u32| f32::from_bits(i.wrapping_mul(2_654_435_761));
        signature.offset = (0..50_000).map(any).map(|x| if x.is_finite() { x } else { 0.1 }).collect();
        signature.divisor = signature.offset.iter().map(|x| if *x == 0.0 { 1.0 } else { *x }).collect();
        let back = read(&signature).unwrap();
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back.offset), bits(&signature.offset));
        assert_eq!(back, signature);
    }

    #[test]
    fn fields_of_the_future_are_passed_over_and_formats_are_not() {
        let mut value = serde_json::to_value(small()).unwrap();
        value["units"] = "cm".into();
        assert_eq!(serde_json::from_value::<Signature>(value).unwrap(), small());
        let message = read(&Signature { format: 2, ..small() }).unwrap_err().to_string();
        assert!(message.contains("is of format 2, and this version reads up to 1"), "{message}");
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        for (broken, expected) in [
            (Signature { example_shape: vec![3], feature_names: vec![], ..small() }, "scales 3 features by 2 offsets and 2 divisors"),
            (Signature { divisor: vec![0.0, 1.0], ..small() }, "divides by 0"),
            (Signature { classes: vec!["one".into()], ..small() }, "has a sigmoid head over 1 classes"),
            (Signature { feature_names: vec!["width".into()], ..small() }, "names 1 of 2 features"),
            (Signature { example_shape: vec![], offset: vec![0.0], divisor: vec![1.0], ..small() }, "names 2 of 1 features"),
            (Signature { example_shape: vec![usize::MAX, 2], ..small() }, "has examples of shape"),
        ] {
            let message = read(&broken).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let message = Signature::read(Path::new("/no/such/model.json")).unwrap_err().to_string();
        assert!(message.contains("/no/such/model.json") && message.contains("train it again"), "{message}");
    }
}
