# Start Valkey with its users, whose passwords come from the environment through standard input.
exec valkey-server /etc/ingest/valkey.conf - <<USERS
user default reset off
user operator reset on >$VALKEY_OPERATOR_PASSWORD ~* &* +@all
user consumer reset on >$VALKEY_CONSUMER_PASSWORD ~ingest:* &ingest:* -@all +@connection +@transaction +@hash +xlen +xinfo +get +set +incr +incrby +expire +exists +@stream +eval +del +unlink +type +memory|usage -@dangerous +info +config|get
user worker reset on >$VALKEY_WORKER_PASSWORD ~ingest:* &ingest:* -@all +@connection +@transaction +@hash +xlen +xinfo +get +set +incr +incrby +expire +exists +xadd +eval +time -@dangerous +info +config|get
USERS
