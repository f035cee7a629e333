#pragma once

#include <vector>

#include "doctor/answer.hpp"

/// The checks, each a pure function of what was gathered. check_table.cpp lists them.
namespace gpushard::doctor {

// What is installed, and whether it fits together.
Answer check_gpu_support(const MachineFacts& facts);
Answer check_driver(const MachineFacts& facts);
Answer check_runtime(const MachineFacts& facts);
Answer check_faiss(const MachineFacts& facts);
Answer check_paging(const MachineFacts& facts);

// The cards.
Answer check_visible_cards(const MachineFacts& facts);
Answer check_device_files(const MachineFacts& facts);
Answer check_lost_cards(const MachineFacts& facts);
Answer check_device_code(const MachineFacts& facts);
Answer check_card_order(const MachineFacts& facts);
Answer check_instances(const MachineFacts& facts);
Answer check_memory_errors(const MachineFacts& facts);
Answer check_pending_repairs(const MachineFacts& facts);
Answer check_persistence(const MachineFacts& facts);
Answer check_holders(const MachineFacts& facts);
Answer check_balance(const MachineFacts& facts);

// The host.
Answer check_host_memory(const MachineFacts& facts);
Answer check_control_group(const MachineFacts& facts);
Answer check_overcommit(const MachineFacts& facts);
Answer check_locked_memory(const MachineFacts& facts);
Answer check_address_space(const MachineFacts& facts);
Answer check_processors(const MachineFacts& facts);
Answer check_waiting(const MachineFacts& facts);
Answer check_blas(const MachineFacts& facts);

// The index, where there is one.
Answer check_index_file(const MachineFacts& facts);
Answer check_file_system(const MachineFacts& facts);
Answer check_holes(const MachineFacts& facts);
Answer check_page_cache(const MachineFacts& facts);
Answer check_fit(const MachineFacts& facts);

/// All of them on `facts`, in the order of the table.
DoctorReport run_checks(const MachineFacts& facts);

}  // namespace gpushard::doctor
