-- The statements of procedures that read the same for PostgreSQL and SQLite.
--
-- "name" begins a statement, "part" what others hold in braces. {run} is the table of runs, {run.*}
-- the columns of its model, side by side. A comment says what the statement guarantees, and which
-- rows it locks until the end of the transaction; on SQLite a change locks the whole database.

-- part: next_queued
-- The run that was queued first, besides some, with its procedure, the file and version that it was
-- started with, the newest known version, whether others are queued, and whether it has inputs.
SELECT {run.*}, p.name, own.file, own.version,
  (SELECT v.version FROM {version} v WHERE v.procedure_id = p.id
   ORDER BY v.registered_at DESC, v.id DESC LIMIT 1),
  EXISTS (SELECT 1 FROM {run} other WHERE other.status = 'queued' AND other.id <> {run}.id),
  EXISTS (SELECT 1 FROM {input} i WHERE i.run_id = {run}.id AND i.taken_at IS NULL),
  {now}
FROM {run} JOIN {procedure} p ON p.id = {run}.procedure_id
  JOIN {version} own ON own.id = {run}.version_id
WHERE {run}.status = 'queued' AND {not_excluded}
ORDER BY {run}.queued_at LIMIT 1

-- part: claimable
-- The run of that id, if it is queued, or the lease of the worker that has it has passed.
SELECT {run.*}, {now} FROM {run} WHERE id = %s
  AND (status = 'queued' OR status = 'running' AND leased_until <= {now})

-- part: whole_run
SELECT {run.*} FROM {run} WHERE id = %s

-- part: shown_work
-- What a worker shows of the run in its hands.
working_on = %s, working_attempt = %s, working_since = %s, reached_at = %s

-- part: moved_head
-- The head's new place. The claims in vain go on or are counted anew; an epoch of 0 lets go of it.
UPDATE {head} SET seq = %s, hash = %s, claims = claims * %s, epoch = %s

-- part: own_head
-- The fence: the head is still where this worker has left it, and still this worker's.
epoch = %s AND seq = %s

-- name: hold_head
-- Gives the journal to a worker's epoch and counts the claim: earlier workers write nothing more.
-- Locks the head; the run's row is locked before.
UPDATE {head} SET epoch = %s, claims = claims + 1 WHERE run_id = %s
RETURNING run_id, epoch, claims, seq, hash

-- name: parent_of_wait
-- The run that a wait belongs to, and the wait that this run itself is a child of. Locks nothing.
SELECT r.id, r.parent_wait_id FROM {run} r JOIN {wait} w ON w.run_id = r.id WHERE w.id = %s

-- name: any_untaken_input
-- Finds a row while the journal lacks something that came from outside. Locks nothing: whoever asks
-- has locked the run, and so has whoever brings something.
SELECT 1 FROM {input} WHERE run_id = %s AND taken_at IS NULL LIMIT 1

-- name: left_at_end
-- Tells if an operator has said what the journal lacks, and if something is still waited for. Locks
-- nothing: the run is locked.
SELECT EXISTS (SELECT 1 FROM {input} WHERE run_id = %s AND taken_at IS NULL AND kind = 'operator'),
  EXISTS (SELECT 1 FROM {wait} WHERE run_id = %s AND closed_at IS NULL)

-- name: asked_to_stop
-- Finds a row when the run was asked to end or to pause, also since it was claimed. Locks nothing.
SELECT 1 FROM {run} WHERE id = %s
  AND (cancel_requested_at IS NOT NULL OR pause_requested_at IS NOT NULL)

-- name: pending_inputs
-- What came from outside and is not in the journal, in the order in which it came. Locks nothing:
-- the run is locked.
SELECT id, kind, key, name, data FROM {input} WHERE run_id = %s AND taken_at IS NULL ORDER BY id

-- part: is_asking
-- True if the run waits for people who haven't answered, not even so that they can still undo it.
is_asking = EXISTS (SELECT 1 FROM {wait} w
  WHERE w.run_id = {run}.id AND w.closed_at IS NULL AND w.kind = 'request'
  AND w.held_at IS NULL AND w.held_for_id IS NULL)

-- name: note_asking
-- Notes if a waiting run still asks people. Locks the run, as a rule once more.
UPDATE {run} SET {is_asking} WHERE id = %s

-- name: open_sets
-- The sets of waits of a run that are not decided. Locks nothing: the run is locked.
SELECT {wait.*} FROM {wait} WHERE run_id = %s AND closed_at IS NULL AND kind = 'set'

-- name: journal_since
-- The events of a run after that one, in order, so many of them at most. The time comes as text,
-- which drivers read faster. Locks nothing: events never change.
SELECT seq, kind, key, name, data, CAST(at AS text), '' FROM {event}
WHERE run_id = %s AND seq > %s ORDER BY seq LIMIT %s

-- name: next_heard
-- Numbers a signal or an operator's act without gaps. Locks the run, as a rule once more.
UPDATE {run} SET heard = heard + 1 WHERE id = %s RETURNING heard

-- name: seal_heard
-- Keeps the seal of that number, in the transaction that has counted it and locked the run.
UPDATE {run} SET heard_proof = %s WHERE id = %s

-- name: code_of_run
-- The procedure, file and version that a run was started with, and each version that is known, the
-- newest first. Locks nothing.
SELECT p.name, o.file, o.version, v.version FROM {run} r
  JOIN {procedure} p ON p.id = r.procedure_id
  JOIN {version} o ON o.id = r.version_id
  JOIN {version} v ON v.procedure_id = p.id
WHERE r.id = %s ORDER BY v.registered_at DESC, v.id DESC

-- name: groups_with_role
-- The groups whose members hold a role on a procedure. Locks nothing.
SELECT group_id FROM {grant} WHERE procedure_id = %s AND role = %s ORDER BY group_id

-- part: code_to_start
-- A procedure, with the row of a version if that is registered, and the time.
p.id, p.title, v.id, v.file, {moment}

-- part: of_code
FROM {procedure} p LEFT JOIN {version} v ON v.procedure_id = p.id AND v.version = %s
WHERE p.name = %s

-- part: run_of_key
-- The condition as the unique index has it: else no database would look there.
SELECT id FROM {run} WHERE procedure_id = p.id AND idempotency_key = %s
  AND NOT (idempotency_key = '')

-- name: startable
-- All that a start by the system depends on: the code's row, and the run that has used its key.
-- Locks nothing.
SELECT {code_to_start}, CASE WHEN %s <> '' THEN ({run_of_key} AND started_by_id IS NULL) END
{of_code}

-- name: startable_by
-- The same for a person, with whether a group of theirs may start it, when they started the run
-- that is so many back, and whether that many of theirs have not ended. Locks nothing: the key's
-- index decides who was first, and the limits may be passed by starts at the same moment.
SELECT {code_to_start}, CASE WHEN %s <> '' THEN ({run_of_key} AND started_by_id = %s) END,
  EXISTS (
    SELECT 1 FROM {grant} g WHERE g.procedure_id = p.id AND g.role = 'start'
      AND g.group_id IN ({groups_of_user})
  ),
  (
    SELECT created_at FROM {run} WHERE started_by_id = %s AND parent_wait_id IS NULL
      AND created_at > {moment} ORDER BY created_at DESC LIMIT 1 OFFSET %s
  ),
  -- In the order of the index: else a server reads the whole table for somebody with much open.
  EXISTS (
    SELECT 1 FROM {run} WHERE started_by_id = %s AND parent_wait_id IS NULL AND ended_at IS NULL
    ORDER BY parent_wait_id, ended_at LIMIT 1 OFFSET %s
  )
{of_code}
