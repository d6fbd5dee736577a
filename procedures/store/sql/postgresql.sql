-- The SQL statements of `procedures` for PostgreSQL; see both.sql.
--
-- Rows are locked FOR NO KEY UPDATE, as by an update. A stronger lock would block children, whose
-- ends refer to their parent, and two runs that block each other are a deadlock.

-- part: now
-- The server's clock, plus a number of microseconds, for leases and deadlines. Not now(), which
-- stands still during a transaction: after waiting for a lock, it would return a time in the past.
clock_timestamp() + %s * interval '1 microsecond'

-- part: moment
-- The server's clock when the statement began, because an index can be searched by that.
statement_timestamp() + %s * interval '1 microsecond'

-- part: head_as_json
json_build_array(seen.epoch, h.epoch, h.claims, h.seq, h.hash)::text

-- part: inputs_as_json
json_agg(json_build_array(i.id, i.kind, i.key, i.name, i.data))::text

-- part: not_excluded
{run}.procedure_id <> ALL(%s::bigint[]) AND {run}.id <> ALL(%s::uuid[])

-- part: lock_run_row
-- Locks only the run: the procedure and its version are read as well, but a claim must not block
-- those who refer to them.
FOR NO KEY UPDATE OF {run}

-- name: database_time
-- The server's clock. Locks nothing.
SELECT clock_timestamp()

-- name: lock_run
-- Locks a run until the end of the transaction. This is always the first lock.
{whole_run} {lock_run_row}

-- name: lock_claimable
-- Locks a run that a worker may claim; returns no row if another worker has claimed it. Of two
-- workers that ask for the same run, the second waits for the first, and finds it claimed.
{claimable} {lock_run_row}

-- name: claim_next
-- Locks the run that was queued first, and skips runs whose rows are locked. No two workers get the
-- same run, and no worker waits for another.
{next_queued} {lock_run_row} SKIP LOCKED

-- name: await_next
-- The same, but waits for the lock on the run that was queued first.
{next_queued} {lock_run_row}

-- name: renew_lease
-- Extends a worker's lease while the run's epoch is still the worker's. A plain update would wait
-- for a locked row, however long; this one skips it, and the worker soon tries again.
UPDATE {run} SET leased_until = {now}, {shown_work}
WHERE id = (
  SELECT id FROM {run} WHERE id = %s AND epoch = %s AND status = 'running'
  FOR NO KEY UPDATE SKIP LOCKED
)

-- name: running_claims
-- The epochs of those of these runs that are running. Locks nothing.
SELECT id, epoch FROM {run} WHERE status = 'running' AND id = ANY(%s::uuid[])

-- part: held_head
WITH held AS ({moved_head} WHERE run_id = %s AND {own_head} RETURNING run_id, seq, hash)

-- part: held_head_of_locked_run
WITH held AS (
  -- The subquery locks the run's row before the head is looked up by its value, which is the order
  -- of everybody who locks both. A join would read the heads of all runs while they are few.
  {moved_head} WHERE run_id = (SELECT id FROM {run} WHERE id = %s FOR NO KEY UPDATE)
  AND {own_head} RETURNING run_id, seq, hash
)

-- part: event_columns
run_id, seq, kind, key, name, data, at, hash

-- part: event_of_head
INSERT INTO {event} ({event_columns})
SELECT held.run_id, held.seq, %s, %s, %s, %s, %s::timestamptz, held.hash FROM held

-- part: given_events
json_to_recordset(%s) AS line
  (seq bigint, kind text, key text, name text, data text, at timestamptz, hash text)

-- part: events_of_head
INSERT INTO {event} ({event_columns}) SELECT held.run_id, line.* FROM held, {given_events}

-- name: append_event
-- A step: fence, head and event in one statement, which is a commit of its own. Stores nothing if
-- another worker has claimed the run or the head has moved. Locks the head, not the run.
{held_head} {event_of_head}

-- name: append_events
-- The same for several events.
{held_head} {events_of_head}

-- name: append_event_to_locked_run
-- The same inside a transaction that changes more than the journal. Locks the run, then the head.
{held_head_of_locked_run} {event_of_head}

-- name: append_events_to_locked_run
-- The same for several events.
{held_head_of_locked_run} {events_of_head}

-- name: insert_events
-- Stores events for the run's writer, who has locked the run and moves its head.
INSERT INTO {event} ({event_columns}) SELECT %s::uuid, line.* FROM {given_events}

-- name: take_inputs
-- Records when these inputs were written to the journal, in the same commit. Locks them; the run is
-- locked before.
UPDATE {input} SET taken_at = %s WHERE id = ANY(%s::bigint[])

-- name: hold_and_append
-- A claim that takes something in: the run, what was sent to it, the head and the events. If the
-- head isn't where the claim has found it, the events lack their run, and the statement fails.
-- Locks the inputs and the head; the run is locked before.
WITH claimed AS ({hold_run}), taken AS ({take_inputs}), held AS ({hold_and_move_head})
INSERT INTO {event} ({event_columns})
SELECT (SELECT run_id FROM held), line.* FROM {given_events}

-- name: lock_head
-- Locks the head of a run's journal; the run is locked before.
SELECT {head.*} FROM {head} WHERE run_id = %s FOR NO KEY UPDATE

-- name: bring_inputs
-- Records when inputs from other runs were applied to their run, with a new seal for each row.
-- Locks them; the run is locked before.
UPDATE {input} SET taken_at = %s, proof = line.proof
FROM json_to_recordset(%s) AS line (id bigint, proof text) WHERE {input}.id = line.id
