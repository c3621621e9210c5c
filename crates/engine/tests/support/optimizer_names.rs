use relumine_engine::optimizer::OptimizerName;

/// Every optimiser as a recipe spells it, from the message that refuses an unknown one, so that a new one cannot be left out of a test.
pub(crate) fn optimizer_names() -> Vec<String> {
    let message = serde_json::from_str::<OptimizerName>("\"?\"").unwrap_err().to_string();
    let names: Vec<String> = message.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert!(names.iter().any(|name| name == "adam"), "{message}");
    names
}
