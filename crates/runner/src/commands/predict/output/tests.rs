//! What is written, to the letter.

use super::*;

fn output(format: PredictFormat, top: Option<usize>, with_logits: bool, classes: &[String]) -> Output<'_> {
    let (head, units) = (Head::Softmax, classes.len());
    Output { format, classes, head, units, top, with_logits, text: String::new(), is_first: true }
}

fn text(format: PredictFormat, top: Option<usize>, with_logits: bool) -> String {
    let classes = ["a", "b,c", "d"].map(String::from);
    let origin = |row, label| RowOrigin { input: "x.csv".into(), row, label };
    let origins = [origin(0, None), origin(1, Some(0))];
    let mut output = output(format, top, with_logits, &classes);
    // Probabilities of 1/4, 1/2, 1/4, and of nearly 0, 0 and 1.
    let logits = [0.0, 2_f32.ln(), 0.0, -200.0, -100.1, 0.1];
    let first = output.part(&origins[..1], &logits[..3]).unwrap().to_owned();
    first + output.part(&origins[1..], &logits[3..]).unwrap()
}

#[test]
fn csv_quotes_names_and_its_numbers_come_back() {
    let lines = text(PredictFormat::Csv, None, true);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[0], r#"input,row,label,prediction,probability,p_a,"p_b,c",p_d,logit_a,"logit_b,c",logit_d"#);
    assert_eq!(lines[1], r#"x.csv,0,,"b,c",0.5,0.25,0.5,0.25,0.0,0.6931472,0.0"#);
    // e^-200.1 = 1.25235e-87 and e^-100.2 = 3.04575e-44 by hand, less the rounding of the logits.
    assert!(lines[2].starts_with("x.csv,1,a,d,1.0,1.25") && lines[2].ends_with(",1.0,-200.0,-100.1,0.1"), "{}", lines[2]);
    assert_eq!(lines.len(), 3);
}

#[test]
fn the_most_probable_classes_come_first_and_equals_by_number() {
    let lines = text(PredictFormat::Csv, Some(2), false);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[0], "input,row,label,prediction,probability,class_1,probability_1,class_2,probability_2");
    assert_eq!(lines[1], r#"x.csv,0,,"b,c",0.5,"b,c",0.5,a,0.25"#);
}

#[test]
fn json_is_one_object_a_line() {
    let lines = text(PredictFormat::Json, Some(1), true);
    let lines: Vec<&str> = lines.lines().collect();
    let answer = r#"{"input":"x.csv","row":0,"prediction":"b,c","probability":0.5"#;
    let details = r#""top":[{"class":"b,c","probability":0.5}],"logits":[0.0,0.6931472,0.0]}"#;
    assert_eq!(lines[0], format!("{answer},{details}"));
    assert!(lines[1].contains(r#""row":1,"label":"a","prediction":"d""#), "{}", lines[1]);
}

#[test]
fn a_table_has_one_header_and_marks_what_is_wrong() {
    let lines = text(PredictFormat::Table, None, false);
    let lines: Vec<String> = lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        ["input row class probability then", "x.csv 0 b,c 50.00 % a 25.00 %, d 25.00 %", "x.csv 1 d (is a) 100.00 % b,c 0.00 %, a 0.00 %"]
    );
}
