#![no_main]

relumine_fuzz::target!(relumine_fuzz::readers::data::image);
