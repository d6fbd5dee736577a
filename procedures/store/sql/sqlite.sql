-- The statements of procedures as SQLite takes them; see both.sql.
--
-- SQLite has one writer at a time: whoever changes something has begun the transaction by taking
-- the write lock, so that no row is locked by itself.

-- part: now
-- This machine's clock, which is asked before the statement.
%s

-- part: moment
%s

-- part: not_excluded
{run}.procedure_id NOT IN (SELECT value FROM json_each(%s))
  AND {run}.id NOT IN (SELECT value FROM json_each(%s))

-- name: lock_run
-- Reads a run; the transaction holds the write lock.
{whole_run}

-- name: lock_claimable
-- Finds a run that a worker may take; the transaction holds the write lock.
{claimable}

-- name: claim_next
-- Finds the run that was queued first; the transaction holds the write lock.
{next_queued}

-- name: await_next
-- The same: nobody else can hold a row here.
{next_queued}

-- name: renew_lease
-- Holds a run for another lease while its epoch is still this worker's.
UPDATE {run} SET leased_until = {now}, {shown_work}
WHERE id = %s AND epoch = %s AND status = 'running'

-- name: running_claims
-- The epoch of each of these runs that is in a worker's hands. Locks nothing.
SELECT id, epoch FROM {run} WHERE status = 'running' AND id IN (SELECT value FROM json_each(%s))

-- name: move_head
-- The fence of a step: changes nothing when the head is another worker's by now, or has moved.
{moved_head} WHERE run_id = %s AND {own_head}

-- name: insert_event
-- Keeps events for the run's writer, whose transaction moves the head; one row after VALUES for each.
INSERT INTO {event} (run_id, seq, kind, key, name, data, at, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)

-- name: take_inputs
-- Notes when these inputs went into the journal, in the commit that writes them there.
UPDATE {input} SET taken_at = %s WHERE id IN (SELECT value FROM json_each(%s))

-- name: bring_inputs
-- Notes when what other runs did was brought to its run, with a new proof for each row.
UPDATE {input} SET taken_at = %s, proof = json_extract(line.value, '$.proof')
FROM json_each(%s) AS line WHERE {input}.id = json_extract(line.value, '$.id')
