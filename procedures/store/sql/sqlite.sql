-- The SQL statements of `procedures` for SQLite; see both.sql.
--
-- SQLite has one writer at a time: a transaction that changes anything takes the write lock when it
-- begins, so single rows needn't be locked.

-- part: now
-- This machine's clock, which is read before the statement.
%s

-- part: moment
%s

-- part: head_as_json
json_array(seen.epoch, h.epoch, h.claims, h.seq, h.hash)

-- part: inputs_as_json
json_group_array(json_array(i.id, i.kind, i.key, i.name, i.data))

-- part: not_excluded
{run}.procedure_id NOT IN (SELECT value FROM json_each(%s))
  AND {run}.id NOT IN (SELECT value FROM json_each(%s))

-- name: lock_run
-- Reads a run; the transaction holds the write lock.
{whole_run}

-- name: lock_claimable
-- Finds a run that a worker may claim; the transaction holds the write lock.
{claimable}

-- name: claim_next
-- Finds the run that was queued first; the transaction holds the write lock.
{next_queued}

-- name: await_next
-- The same, because nobody else can lock a row here.
{next_queued}

-- name: renew_lease
-- Extends a worker's lease while the run's epoch is still the worker's.
UPDATE {run} SET leased_until = {now}, {shown_work}
WHERE id = %s AND epoch = %s AND status = 'running'

-- name: running_claims
-- The epochs of those of these runs that are running. Locks nothing.
SELECT id, epoch FROM {run} WHERE status = 'running' AND id IN (SELECT value FROM json_each(%s))

-- name: move_head
-- The fence of a step: changes nothing if another worker has claimed the run or the head has moved.
{moved_head} WHERE run_id = %s AND {own_head}

-- name: insert_event
-- Stores events for the run's writer, whose transaction moves the head; VALUES gets one row for
-- each event.
INSERT INTO {event} (run_id, seq, kind, key, name, data, at, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)

-- name: take_inputs
-- Records when these inputs were written to the journal, in the same commit.
UPDATE {input} SET taken_at = %s WHERE id IN (SELECT value FROM json_each(%s))

-- name: lock_head
-- Reads the head of a run's journal; the transaction holds the write lock.
SELECT {head.*} FROM {head} WHERE run_id = %s

-- name: bring_inputs
-- Records when inputs from other runs were applied to their run, with a new seal for each row.
UPDATE {input} SET taken_at = %s, proof = json_extract(line.value, '$.proof')
FROM json_each(%s) AS line WHERE {input}.id = json_extract(line.value, '$.id')
