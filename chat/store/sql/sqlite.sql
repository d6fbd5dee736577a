-- The statements of chat for SQLite, which can't insert the rows that an UPDATE returns.

-- part: now
-- The time of this machine, which is read before the statement.
%s

-- name: lock_run_of_request
-- Reads the run that asks; the transaction holds the write lock.
{whole_run_of_request}

-- name: lock_request
-- Reads a request, its wait and the time; the transaction holds the write lock.
{request_with_wait}

-- name: close_request
-- Gives an open request its only outcome, by compare-and-set: returns no row if the request has an
-- outcome already.
{closing_request}

-- name: mark_assignments
-- Marks the assignments of a request that the same transaction has closed.
UPDATE {assignment} SET is_open = false WHERE request_id = %s

-- name: next_change
-- Numbers a change of a session, without gaps and in the order of commits.
{next_seq} WHERE id = %s RETURNING id, last_seq

-- name: next_change_of_run
-- The same in the session in which a run has its card.
{next_seq} WHERE id = ({session_of_run}) RETURNING id, last_seq

-- name: next_message
-- The same for a new message, which is also counted.
{next_seq_said} WHERE id = %s RETURNING id, last_seq, said

-- name: insert_change
-- Stores a change under the number that the same transaction has given it.
INSERT INTO {change} ({change_columns}) VALUES (%s, %s, %s, %s, %s)

-- part: urgent_open
is_open ORDER BY due_at ASC NULLS LAST, rank, request_id LIMIT %s

-- name: open_by_user
-- The most urgent open requests that are assigned to each of the keys, up to a number for each key,
-- with their sessions. The ids are read by IN, because SQLite has no LATERAL.
SELECT asked.value, {request}.id, session_id FROM json_each(%s) AS asked
JOIN {request} ON {request}.id IN (SELECT request_id FROM {assignment}
  WHERE user_id = asked.value AND {urgent_open})

-- name: open_by_group
-- The most urgent open requests that are assigned to each of the keys, up to a number for each key,
-- with their sessions. The ids are read by IN, because SQLite has no LATERAL.
SELECT asked.value, {request}.id, session_id FROM json_each(%s) AS asked
JOIN {request} ON {request}.id IN (SELECT request_id FROM {assignment}
  WHERE group_id = asked.value AND {urgent_open})

-- name: open_by_permission
-- The most urgent open requests that are assigned to each of the keys, up to a number for each key,
-- with their sessions. The ids are read by IN, because SQLite has no LATERAL.
SELECT asked.value, {request}.id, session_id FROM json_each(%s) AS asked
JOIN {request} ON {request}.id IN (SELECT request_id FROM {assignment}
  WHERE permission = asked.value AND NOT (permission = '') AND {urgent_open})

-- name: feed
-- Makes a message the newest of its session for all its audiences: the given ones, the members
-- unless they are a crowd, and those that its runs ask.
{fed} SELECT %s, {fed_name}, %s, %s
FROM (SELECT value AS audience FROM json_each(%s) UNION {fed_audiences}) WHERE true {fed_again}

-- name: newest_in_feed
-- The newest sessions of a reader, each with the message that shows it. Reads up to a number of
-- rows of each audience, in the order of an index, and a row for each session in which the reader
-- is one of a crowd.
WITH mine AS (SELECT value AS audience FROM json_each(%s))
SELECT session_id, newest FROM (
  SELECT session_id, newest, max(seq) FROM (
    SELECT fed.session_id, fed.newest, fed.seq FROM mine CROSS JOIN {entry} AS fed
    ON fed.rowid IN (
      SELECT entry.rowid FROM {entry} AS entry WHERE audience = mine.audience AND {is_listed})
    UNION ALL SELECT * FROM ({in_crowd}))
  GROUP BY session_id)
ORDER BY newest DESC LIMIT %s

-- name: followed
-- Which of these sessions somebody follows.
{followed_by} AND {session}.id IN (SELECT value FROM json_each(%s))

-- name: unread_of
-- For each of these people, the sessions with new messages among the newest sessions of which they
-- are members, and the number of the newest message by others.
WITH followed (user_id, session_id) AS (
  SELECT asked.value, fed.session_id FROM json_each(%s) AS asked
  JOIN {entry} AS fed ON fed.rowid IN (SELECT rowid FROM {entry}
    WHERE audience = 'member:' || asked.value ORDER BY newest DESC LIMIT %s)
  UNION SELECT user_id, session_id FROM {member}
  WHERE in_crowd AND user_id IN (SELECT value FROM json_each(%s)))
{unread_of_followed}

-- name: unread_in
-- The same for members of these sessions.
WITH followed (user_id, session_id) AS (SELECT user_id, session_id FROM {member}
  WHERE session_id IN (SELECT value FROM json_each(%s))
  AND user_id IN (SELECT value FROM json_each(%s)))
{unread_of_followed}
