# Has the example `check_answers` check what the tool answers on all cards.
set(ids "ids_of_cards.npy")
set(distances "distances_of_cards.npy")
execute_process(COMMAND "${search}" search big.index --queries queries.npy --devices cuda:all --min-devices 3 --k 10
    --out "${ids}" --distances "${distances}" --quiet COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${check}" big.index queries.npy "${ids}" "${distances}" COMMAND_ERROR_IS_FATAL ANY)
