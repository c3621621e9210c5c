//! What follows the gradients.

use super::Plan;
use crate::fused;
use crate::gpu::network::Layer;
use crate::optimizer::Pace;
use relumine_kernels::gpu::{Address, BoundArguments, ClipArguments, FinishArguments, Launch, Stage, UpdateArguments, Values};
use relumine_kernels::optimizer::Update;
use relumine_model::Role;

impl Plan<'_> {
    /// Clipping, the optimiser's rule, bounded norms, averages and statistics, the count.
    pub(super) fn update(&self, stages: &mut Vec<Stage>) {
        let (memory, optimizer, replicas) = (self.memory, &self.network.config().optimizer.clone().resolved(), self.network.replicas());
        let tickets = |number: usize| memory.tickets.words(number);
        if let Some(clip_norm) = optimizer.clip_norm {
            stages.push(self.run(Launch::ClipScale(ClipArguments {
                parameters: memory.parameters,
                gradients: memory.gradients,
                groups: memory.groups,
                constants: memory.constants,
                slot: memory.slot,
                partial: memory.partial,
                tickets: tickets(replicas),
                scales: memory.scales,
                clip_norm,
                replicas: replicas as u32,
                unused: 0,
            })));
        }
        let is_last = optimizer.max_norm.is_none() && !self.network.is_averaged() && memory.running == Values::NONE;
        let mut slots = [Values::NONE; 3];
        slots.iter_mut().zip(&memory.slots).for_each(|(slot, values)| *slot = *values);
        let arguments = UpdateArguments {
            parameters: memory.parameters,
            gradients: memory.gradients,
            slots,
            groups: memory.groups,
            constants: memory.constants,
            scales: if optimizer.clip_norm.is_some() { memory.scales } else { Address::NONE },
            slot: memory.slot,
            next_slot: if is_last { memory.slot } else { Address::NONE },
            tickets: tickets(2 * replicas),
            progress: memory.progress,
            replicas: replicas as u32,
            ..UpdateArguments::default()
        };
        // The kind of rule does not change from step to step.
        let of_rule: Update = fused::update_constants(optimizer, Pace { step: 1, learning_rate: 0.0, momentum: 0.0 }, Role::Weight, 1.0);
        stages.push(self.run(Launch::Update(arguments.with_rule(of_rule.rule))));
        if let Some(max_norm) = optimizer.max_norm {
            let layers = self.network.layers().iter().enumerate();
            stages.extend(layers.map(|(position, layer)| self.bound(position, layer, max_norm)));
        }
        if !is_last {
            stages.push(self.run(Launch::Finish(self.finish())));
        }
    }

    /// What ends a step.
    pub(super) fn finish(&self) -> FinishArguments {
        let (memory, replicas) = (self.memory, self.network.replicas());
        FinishArguments {
            parameters: memory.parameters,
            average: memory.average,
            running: memory.running,
            next: memory.next,
            constants: memory.constants,
            slot: memory.slot,
            tickets: memory.tickets.words(2 * replicas),
            progress: memory.progress,
            num_parameters: self.network.layout.num_parameters as u32,
            num_statistics: self.network.layout.num_statistics as u32,
            replicas: replicas as u32,
            unused: 0,
        }
    }

    /// Bounded norms of one layer's units.
    fn bound(&self, position: usize, layer: &Layer, max_norm: f64) -> Stage {
        self.run(Launch::BoundNorms(BoundArguments {
            weight: self.network.layout.find(self.memory.parameters, position, Role::Weight),
            progress: self.memory.progress,
            max_norm: max_norm as f32,
            rows: layer.spec.fan_out as u32,
            columns: layer.spec.fan_in as u32,
            unused: 0,
        }))
    }
}
