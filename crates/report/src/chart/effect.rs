//! Effects with their intervals: what a study found, at a glance.

use super::axis::Axis;
use super::frame::{RIGHT, SMALL, Style, TEXT, WIDTH};
use super::svg::{Anchor, Svg};
use super::text::{fit, width};
use super::{Chart, Scale, number};

/// Points with intervals on one axis, in groups, one below the other.
///
/// ```
/// use relumine_report::chart::{Effect, EffectPlot, Scale};
///
/// let effect = |group: &str, label: &str, estimate, low, high| Effect {
///     group: group.into(), label: label.into(), estimate, interval: Some((low, high)), style: 0, remark: "10 seeds".into(),
/// };
/// let plot = EffectPlot {
///     name: "dropout".into(),
///     title: "Test accuracy against no dropout".into(),
///     x_label: "difference (points), 95 % interval".into(),
///     reference: Some(0.0),
///     scale: Scale::Linear,
///     effects: vec![effect("width 256", "dropout 0.2", 0.1, -0.1, 0.3), effect("width 256", "dropout 0.5", -0.2, -0.5, 0.1)],
/// };
/// let svg = plot.draw().unwrap().to_svg();
/// assert!(svg.contains("width 256, dropout 0.2: 0.1 (-0.1 to 0.3); 10 seeds"));
/// ```
#[derive(Clone, Debug)]
pub struct EffectPlot {
    /// Of its file.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What is estimated, with its unit and the kind of interval.
    pub x_label: String,
    /// Where no effect would be: a dashed line, always within the axis.
    pub reference: Option<f64>,
    /// Of the axis; on a logarithmic one effects that are not over 0 are left out.
    pub scale: Scale,
    /// Top to bottom; those of one group stand together, in the order in which they come.
    pub effects: Vec<Effect>,
}

/// One estimate.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The heading it stands under; empty for none.
    pub group: String,
    /// Beside its point.
    pub label: String,
    /// The point; an effect whose estimate is not finite is left out.
    pub estimate: f64,
    /// Around it.
    pub interval: Option<(f64, f64)>,
    /// Its colour.
    pub style: usize,
    /// To be hovered over, such as the number of seeds; empty for none.
    pub remark: String,
}

const ROW: f64 = 20.0;

impl EffectPlot {
    /// The chart; `None` where there is no finite estimate.
    #[must_use]
    pub fn draw(&self) -> Option<Chart> {
        let is_shown = |value: f64| value.is_finite() && (self.scale == Scale::Linear || value > 0.0);
        let effects: Vec<&Effect> = self.effects.iter().filter(|effect| is_shown(effect.estimate)).collect();
        if effects.is_empty() {
            return None;
        }
        let ends = effects.iter().flat_map(|effect| [Some(effect.estimate), interval(effect).map(|i| i.0), interval(effect).map(|i| i.1)]);
        let reference = self.reference.filter(|reference| is_shown(*reference));
        let axis = Axis::of(ends.flatten().chain(reference).filter(|end| is_shown(*end)), self.scale, 4)?;
        let mut svg = Svg::default();
        svg.text("title", Anchor::Start, (4.0, 16.0), &fit(&self.title, 13.0 * 1.1, WIDTH - 8.0));
        let widest = effects.iter().map(|effect| width(&effect.label, TEXT)).fold(0.0, f64::max);
        let left = (widest + 24.0).clamp(40.0, 0.42 * WIDTH);
        // What reaches beyond a logarithmic axis, as an interval down to 0, ends with it.
        let x_of = |value: f64| left + axis.share(value.max(axis.low())) * (WIDTH - RIGHT - left);
        let top = 26.0;
        let bottom = top + ROW * (effects.len() + headings(&effects)) as f64 + 6.0;
        draw_axis(&mut svg, &axis, &x_of, (top, bottom));
        if let Some(reference) = reference {
            svg.line("guide", (x_of(reference), top), (x_of(reference), bottom));
        }
        svg.text("soft", Anchor::Middle, (WIDTH / 2.0, bottom + 34.0), &fit(&self.x_label, TEXT, WIDTH - 16.0));
        let (mut y, mut group) = (top, "");
        for effect in effects {
            if effect.group != group {
                y += ROW;
                svg.text("soft small", Anchor::Start, (4.0, y - 5.0), &fit(&effect.group, SMALL, WIDTH - 8.0));
            }
            (y, group) = (y + ROW, &effect.group);
            svg.text("", Anchor::Start, (12.0, y - 5.0), &fit(&effect.label, TEXT, left - 20.0));
            draw_effect(&mut svg, effect, &x_of, y - 9.0);
        }
        Some(Chart { name: self.name.clone(), title: self.title.clone(), width: WIDTH, height: bottom + 42.0, body: svg.into_body() })
    }
}

fn interval(effect: &Effect) -> Option<(f64, f64)> {
    effect.interval.filter(|(low, high)| low.is_finite() && high.is_finite())
}

/// How often a new heading begins.
fn headings(effects: &[&Effect]) -> usize {
    let before = std::iter::once("").chain(effects.iter().map(|effect| effect.group.as_str()));
    effects.iter().zip(before).filter(|(effect, before)| effect.group != *before).count()
}

fn draw_axis(svg: &mut Svg, axis: &Axis, x_of: &impl Fn(f64) -> f64, (top, bottom): (f64, f64)) {
    let mut free_from = f64::NEG_INFINITY;
    for tick in &axis.ticks {
        let (x, label) = (x_of(*tick), axis.label(*tick));
        svg.line("grid", (x, top), (x, bottom));
        let half = width(&label, TEXT) / 2.0;
        if x - half >= free_from {
            svg.text("soft", Anchor::Middle, (x.min(WIDTH - 2.0 - half), bottom + 17.0), &label);
            free_from = x + half + 5.0;
        }
    }
    svg.line("axis", (x_of(axis.low()), bottom), (WIDTH - RIGHT, bottom));
}

fn draw_effect(svg: &mut Svg, effect: &Effect, x_of: &impl Fn(f64) -> f64, y: f64) {
    let colour = Style(effect.style).colour();
    let mut hover =
        [effect.group.as_str(), effect.label.as_str()].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ");
    hover += &format!(": {}", number(effect.estimate));
    if let Some((low, high)) = interval(effect) {
        svg.line(format_args!("bar l{colour}"), (x_of(low), y), (x_of(high), y));
        hover += &format!(" ({} to {})", number(low), number(high));
    }
    if !effect.remark.is_empty() {
        hover += &format!("; {}", effect.remark);
    }
    let x = x_of(effect.estimate);
    svg.element(format_args!("circle class=\"dot f{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\""), Some(&hover));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(effects: Vec<Effect>) -> Option<Chart> {
        drawn(Scale::Linear, effects)
    }

    #[test]
    fn a_reference_alone_is_no_plot() {
        let plot = |effects| EffectPlot {
            name: "n".into(),
            title: "t".into(),
            x_label: "x".into(),
            reference: Some(0.0),
            scale: Scale::Linear,
            effects,
        };
        assert!(plot(Vec::new()).draw().is_none() && plot(vec![effect("", "a", 1.0)]).draw().is_some());
    }

    fn drawn(scale: Scale, effects: Vec<Effect>) -> Option<Chart> {
        EffectPlot { name: "n".into(), title: "t".into(), x_label: "x".into(), reference: None, scale, effects }.draw()
    }

    fn effect(group: &str, label: &str, estimate: f64) -> Effect {
        let interval = Some((estimate - 1.0, estimate + 1.0));
        Effect { group: group.into(), label: label.into(), estimate, interval, style: 0, remark: String::new() }
    }

    #[test]
    fn each_group_has_one_heading_and_what_is_no_number_is_left_out() {
        let svg =
            plot(vec![effect("one", "a", 1.0), effect("one", "b", f64::NAN), effect("one", "c", 2.0), effect("two", "d", 3.0)]).unwrap();
        let svg = svg.to_html();
        assert_eq!((svg.matches(">one</text>").count(), svg.matches(">two</text>").count(), svg.matches("<circle").count()), (1, 1, 3));
        assert!(svg.contains("<title>one, c: 2 (1 to 3)</title>"), "{svg}");
        assert!(plot(vec![effect("", "a", f64::NAN)]).is_none());
    }

    #[test]
    fn an_interval_that_is_no_number_leaves_its_point() {
        let open = Effect { interval: Some((f64::NEG_INFINITY, 1.0)), ..effect("", "a", 0.5) };
        let svg = plot(vec![open]).unwrap().to_html();
        assert_eq!((svg.matches("class=\"bar").count(), svg.matches("<circle").count()), (0, 1));
    }

    #[test]
    fn a_logarithmic_axis_has_no_place_for_nothing_and_cuts_intervals_that_reach_it() {
        let wide = Effect { interval: Some((-1.0, 10.0)), ..effect("", "a", 1.0) };
        let svg = drawn(Scale::Log, vec![wide, effect("", "none", 0.0), effect("", "b", 100.0)]).unwrap().to_html();
        assert_eq!((svg.matches("class=\"bar").count(), svg.matches("<circle").count()), (2, 2));
        assert!(!svg.contains("NaN") && !svg.contains("none"), "{svg}");
    }
}
