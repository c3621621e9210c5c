#![no_main]

relumine_fuzz::target!(relumine_fuzz::data::idx);
