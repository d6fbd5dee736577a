-- The statements of procedures as PostgreSQL takes them; see both.sql.
--
-- Rows are locked FOR NO KEY UPDATE, as an update locks them. A stronger lock would hold up
-- children, whose ends refer to their parent, and two that hold each other up are a deadlock.

-- part: now
-- The server's clock, so many microseconds ahead: leases and deadlines follow it.
-- Not now(), which stands still during a transaction: whoever waited for a lock would go by a time
-- that has passed.
clock_timestamp() + %s * interval '1 microsecond'

-- part: moment
-- The server's clock when the statement began: an index can be searched by it.
statement_timestamp() + %s * interval '1 microsecond'

-- part: not_excluded
{run}.procedure_id <> ALL(%s::bigint[]) AND {run}.id <> ALL(%s::uuid[])

-- part: lock_run_row
-- Only the run: the procedure and its version are read along, and a claim must not hold up those
-- who refer to them.
FOR NO KEY UPDATE OF {run}

-- name: database_time
-- The server's clock. Locks nothing.
SELECT clock_timestamp()

-- name: lock_run
-- Locks a run until the end of the transaction: the first lock of everything.
{whole_run} {lock_run_row}

-- name: lock_claimable
-- Locks a run that a worker may take; none comes back while somebody else has it. Two workers that
-- ask for one run come one after the other, and the second finds it taken.
{claimable} {lock_run_row}

-- name: claim_next
-- Locks the run that was queued first, and passes by those whose rows others hold: no two workers
-- get the same, and none waits for another.
{next_queued} {lock_run_row} SKIP LOCKED

-- name: await_next
-- The same, but waits for whoever holds the row of the run that was queued first.
{next_queued} {lock_run_row}

-- name: renew_lease
-- Holds a run for another lease while its epoch is still this worker's. An update would wait for
-- whoever holds the row, however long; this one passes by, and the worker comes again soon.
UPDATE {run} SET leased_until = {now}, {shown_work}
WHERE id = (
  SELECT id FROM {run} WHERE id = %s AND epoch = %s AND status = 'running'
  FOR NO KEY UPDATE SKIP LOCKED
)

-- name: running_claims
-- The epoch of each of these runs that is in a worker's hands. Locks nothing.
SELECT id, epoch FROM {run} WHERE status = 'running' AND id = ANY(%s::uuid[])

-- part: held_head
WITH held AS ({moved_head} WHERE run_id = %s AND {own_head} RETURNING run_id, seq, hash)

-- part: held_head_of_locked_run
WITH held AS (
  {moved_head} FROM (SELECT id FROM {run} WHERE id = %s FOR NO KEY UPDATE) AS run
  -- The subquery locks the run's row before the join hands the head's row to the update: the order
  -- of everybody who locks both.
  WHERE run_id = run.id AND {own_head} RETURNING run_id, seq, hash
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
-- A step: fence, head and event in one statement, which is a commit of its own. Nothing is kept
-- when the head is another worker's by now, or has moved. Locks the head, not the run.
{held_head} {event_of_head}

-- name: append_events
-- The same for many events.
{held_head} {events_of_head}

-- name: append_event_to_locked_run
-- The same inside a transaction that changes more than the journal: locks the run, then the head.
{held_head_of_locked_run} {event_of_head}

-- name: append_events_to_locked_run
-- The same for many events.
{held_head_of_locked_run} {events_of_head}

-- name: insert_events
-- Keeps events for the run's writer, who has locked the run and moves its head.
INSERT INTO {event} ({event_columns}) SELECT %s::uuid, line.* FROM {given_events}

-- name: take_inputs
-- Notes when these inputs went into the journal, in the commit that writes them there. Locks them;
-- the run is locked before.
UPDATE {input} SET taken_at = %s WHERE id = ANY(%s::bigint[])

-- name: bring_inputs
-- Notes when what other runs did was brought to its run, with a new proof for each row. Locks them;
-- the run is locked before.
UPDATE {input} SET taken_at = %s, proof = line.proof
FROM json_to_recordset(%s) AS line (id bigint, proof text) WHERE {input}.id = line.id
