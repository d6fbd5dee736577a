-- The SQL statements of `procedures` that are the same for PostgreSQL and SQLite.
--
-- "name" begins a statement, and "part" a text that statements include in braces. {run} is the
-- table of runs, and {run.*} the list of its columns. A comment says what the statement guarantees,
-- and which rows it locks until the end of the transaction; on SQLite, a change locks the whole
-- database.

-- part: next_queued
-- The first queued run that isn't excluded, with its procedure, the file and version that it was
-- started with, the newest known version, whether other runs are queued, the head of its journal,
-- and its inputs as JSON. All but the run itself is read as it was when the statement began, so a
-- claim from then until the lock isn't seen in it; the epoch at the beginning tells whether there
-- was one. There is no such run in a database that is marked as a copy.
SELECT {run.*}, p.name, own.file, own.version,
  (SELECT v.version FROM {version} v WHERE v.procedure_id = p.id
   ORDER BY v.registered_at DESC, v.id DESC LIMIT 1),
  EXISTS (SELECT 1 FROM {run} other WHERE other.status = 'queued' AND other.id <> {run}.id),
  (SELECT {head_as_json} FROM {head} h JOIN {run} seen ON seen.id = h.run_id
   WHERE h.run_id = {run}.id),
  (SELECT {inputs_as_json} FROM {input} i WHERE i.run_id = {run}.id AND i.taken_at IS NULL),
  {now}
FROM {run} JOIN {procedure} p ON p.id = {run}.procedure_id
  JOIN {version} own ON own.id = {run}.version_id
WHERE {run}.status = 'queued' AND {not_excluded}
  AND NOT EXISTS (SELECT 1 FROM {installation} WHERE held_at IS NOT NULL)
ORDER BY {run}.queued_at LIMIT 1

-- part: claimable
-- The run with this id, if it is queued, or if its worker's lease has expired.
SELECT {run.*}, {now} FROM {run} WHERE id = %s
  AND (status = 'queued' OR status = 'running' AND leased_until <= {now})

-- part: whole_run
SELECT {run.*} FROM {run} WHERE id = %s

-- part: shown_work
-- The columns that show what the worker of a run is doing.
working_on = %s, working_attempt = %s, working_since = %s, reached_at = %s

-- part: moved_head
-- Moves the head. The count of claims without progress is kept or reset; the epoch 0 releases the
-- head.
UPDATE {head} SET seq = %s, hash = %s, claims = claims * %s, epoch = %s

-- part: own_head
-- The fence: this worker still holds the head, and the head is still where this worker has left it.
epoch = %s AND seq = %s

-- name: hold_run
-- Stores in the row of a run that a worker holds the run; the row is locked before.
UPDATE {run} SET status = %s, leased_until = %s, epoch = %s, wake_at = %s, queued_at = %s,
  reached_at = %s WHERE id = %s

-- name: hold_head
-- Gives the journal to a worker's epoch and counts the claim, so that earlier workers can't write
-- any more. Locks the head; the run's row is locked before.
UPDATE {head} SET epoch = %s, claims = claims + 1 WHERE run_id = %s
RETURNING run_id, epoch, claims, seq, hash

-- name: hold_and_move_head
-- The same for a claim that appends events: changes nothing unless the head is where the claim has
-- found it. The events are progress, so the claims without progress are counted anew.
UPDATE {head} SET epoch = %s, claims = 1, seq = %s, hash = %s
WHERE run_id = %s AND seq = %s AND hash = %s RETURNING run_id

-- name: parent_of_wait
-- The run that a wait belongs to, and the parent's wait for that run. Locks nothing.
SELECT r.id, r.parent_wait_id FROM {run} r JOIN {wait} w ON w.run_id = r.id WHERE w.id = %s

-- name: any_untaken_input
-- Returns a row if an input isn't in the journal yet. Locks nothing: the caller has locked the run,
-- and so has everybody who inserts inputs.
SELECT 1 FROM {input} WHERE run_id = %s AND taken_at IS NULL LIMIT 1

-- name: left_at_end
-- Returns two flags: if an operator's request isn't in the journal yet, and if a wait is open.
-- Locks nothing: the run is locked.
SELECT EXISTS (SELECT 1 FROM {input} WHERE run_id = %s AND taken_at IS NULL AND kind = 'operator'),
  EXISTS (SELECT 1 FROM {wait} WHERE run_id = %s AND closed_at IS NULL)

-- name: asked_to_stop
-- Returns a row if the run was cancelled or is to be paused, even if only since its claim. Locks
-- nothing.
SELECT 1 FROM {run} WHERE id = %s
  AND (cancel_requested_at IS NOT NULL OR pause_requested_at IS NOT NULL)

-- name: pending_inputs
-- The inputs that aren't in the journal yet, in the order in which they came. Locks nothing: the
-- run is locked.
SELECT id, kind, key, name, data FROM {input} WHERE run_id = %s AND taken_at IS NULL ORDER BY id

-- part: is_asking
-- True if the run waits for people and has no answer yet, not even one that can still be undone.
is_asking = EXISTS (SELECT 1 FROM {wait} w
  WHERE w.run_id = {run}.id AND w.closed_at IS NULL AND w.kind = 'request'
  AND w.held_at IS NULL AND w.held_for_id IS NULL)

-- name: note_asking
-- Records whether a waiting run still asks people. Locks the run, which usually is locked already.
UPDATE {run} SET {is_asking} WHERE id = %s

-- name: open_sets
-- The sets of a run that aren't decided. Locks nothing: the run is locked.
SELECT {wait.*} FROM {wait} WHERE run_id = %s AND closed_at IS NULL AND kind = 'set'

-- name: journal_since
-- The next events of a run after a number, in order, up to a limit. The time is returned as text,
-- which drivers read faster. Locks nothing: events never change.
SELECT seq, kind, key, name, data, CAST(at AS text), '' FROM {event}
WHERE run_id = %s AND seq > %s ORDER BY seq LIMIT %s

-- name: next_heard
-- Numbers a signal or an operator's request without gaps. Locks the run, which usually is locked
-- already.
UPDATE {run} SET heard = heard + 1 WHERE id = %s RETURNING heard

-- name: seal_heard
-- Stores the seal of that number, in the transaction that has counted it and locked the run.
UPDATE {run} SET heard_proof = %s WHERE id = %s

-- name: code_of_run
-- The procedure, file and version that a run was started with, and each known version, the newest
-- first. Locks nothing.
SELECT p.name, o.file, o.version, v.version FROM {run} r
  JOIN {procedure} p ON p.id = r.procedure_id
  JOIN {version} o ON o.id = r.version_id
  JOIN {version} v ON v.procedure_id = p.id
WHERE r.id = %s ORDER BY v.registered_at DESC, v.id DESC

-- name: groups_with_role
-- The groups that have a role on a procedure. Locks nothing.
SELECT group_id FROM {grant} WHERE procedure_id = %s AND role = %s ORDER BY group_id

-- part: code_to_start
-- A procedure, with the row of a version if that is registered, and the time.
p.id, p.title, v.id, v.file, {moment}

-- part: of_code
FROM {procedure} p LEFT JOIN {version} v ON v.procedure_id = p.id AND v.version = %s
WHERE p.name = %s

-- part: stopped
-- The notice of a stop of new runs: of the procedure, or else of all procedures.
(
    SELECT notice FROM {stop} s WHERE s.procedure_id = p.id OR s.procedure_id IS NULL
    ORDER BY CASE WHEN s.procedure_id IS NULL THEN 1 ELSE 0 END LIMIT 1
  )

-- part: run_of_key
-- The condition is that of the unique index; otherwise, no database would use the index.
SELECT id FROM {run} WHERE procedure_id = p.id AND idempotency_key = %s
  AND NOT (idempotency_key = '')

-- name: startable
-- Everything that a start by the system depends on: the code's row, and the run that has used its
-- key. Locks nothing.
SELECT {code_to_start}, CASE WHEN %s <> '' THEN ({run_of_key} AND started_by_id IS NULL) END,
  {stopped}
{of_code}

-- name: startable_by
-- The same for a start by a person, and in addition: whether one of the person's groups may start
-- the procedure, when the person started the run at an offset from the newest one, and whether the
-- person has more unended runs than an offset. Locks nothing: the unique index of the key decides
-- who was first, and starts at the same moment may exceed the limits.
SELECT {code_to_start}, CASE WHEN %s <> '' THEN ({run_of_key} AND started_by_id = %s) END,
  EXISTS (
    SELECT 1 FROM {grant} g WHERE g.procedure_id = p.id AND g.role = 'start'
      AND g.group_id IN ({groups_of_user})
  ),
  (
    SELECT created_at FROM {run} WHERE started_by_id = %s AND parent_wait_id IS NULL
      AND created_at > {moment} ORDER BY created_at DESC LIMIT 1 OFFSET %s
  ),
  -- Sorted like the index; otherwise, a server reads the whole table for a person with many open
  -- runs.
  EXISTS (
    SELECT 1 FROM {run} WHERE started_by_id = %s AND parent_wait_id IS NULL AND ended_at IS NULL
    ORDER BY parent_wait_id, ended_at LIMIT 1 OFFSET %s
  ),
  {stopped}
{of_code}
