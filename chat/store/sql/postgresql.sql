-- The statements of chat for PostgreSQL; see both.sql.

-- part: now
-- The server's time plus a number of microseconds.
clock_timestamp() + %s * interval '1 microsecond'

-- name: lock_run_of_request
-- Locks the run that asks, before everything else.
{whole_run_of_request} FOR NO KEY UPDATE OF {run}

-- name: lock_request
-- Locks a request, and reads its wait, which the run's lock covers, and the time.
{request_with_wait} FOR UPDATE OF {request}

-- name: close_request
-- Gives an open request its only outcome, by compare-and-set: returns no row if the request has an
-- outcome already. Its assignments are marked by the same statement. Locks the request; its run is
-- locked before.
WITH closed AS ({closing_request}),
marked AS (UPDATE {assignment} SET is_open = false FROM closed WHERE request_id = closed.id)
SELECT id, session_id, assigned FROM closed

-- part: kept_change
INSERT INTO {change} ({change_columns})
SELECT id, last_seq, %s, %s, %s FROM next RETURNING session_id, seq

-- name: record_change
-- Numbers a change of a session, without gaps and in the order of commits, and stores it. Locks the
-- session until the commit: this is the last lock to be taken.
WITH next AS ({next_seq} WHERE id = %s RETURNING id, last_seq) {kept_change}

-- name: record_change_of_run
-- The same in the session in which a run has its card.
WITH next AS ({next_seq} WHERE id = ({session_of_run}) RETURNING id, last_seq) {kept_change}

-- name: record_message
-- The same for a new message, which is also counted.
WITH next AS ({next_seq_said} WHERE id = %s RETURNING id, last_seq, said)
{kept_change}, (SELECT said FROM next)

-- part: urgent_open
is_open ORDER BY due_at ASC NULLS LAST, rank, request_id LIMIT %s

-- part: with_session
JOIN {request} ON {request}.id = found.request_id

-- name: open_by_user
-- The most urgent open requests that are assigned to each of the keys, up to a number for each key,
-- with their sessions. Locks nothing.
SELECT asked.key, found.request_id, session_id FROM unnest(%s::{user_key}[]) AS asked (key)
CROSS JOIN LATERAL (SELECT request_id FROM {assignment}
  WHERE user_id = asked.key AND {urgent_open}) AS found {with_session}

-- name: open_by_group
-- The most urgent open requests that are assigned to each of the keys, up to a number for each key,
-- with their sessions. Locks nothing.
SELECT asked.key, found.request_id, session_id FROM unnest(%s::{group_key}[]) AS asked (key)
CROSS JOIN LATERAL (SELECT request_id FROM {assignment}
  WHERE group_id = asked.key AND {urgent_open}) AS found {with_session}

-- name: open_by_permission
-- The most urgent open requests that are assigned to each of the keys, up to a number for each key,
-- with their sessions. Locks nothing.
SELECT asked.key, found.request_id, session_id FROM unnest(%s::text[]) AS asked (key)
CROSS JOIN LATERAL (SELECT request_id FROM {assignment}
  WHERE permission = asked.key AND NOT (permission = '') AND {urgent_open}) AS found {with_session}

-- name: feed
-- Makes a message the newest of its session for all its audiences: the given ones, the members
-- unless they are a crowd, and those that its runs ask. An earlier statement has locked the
-- session, so this one sees everything that was committed until then.
{fed} SELECT %s, {fed_name}, %s, %s
FROM (SELECT unnest(%s::text[]) AS audience UNION {fed_audiences}) AS found {fed_again}

-- name: newest_in_feed
-- The newest sessions of a reader, each with the message that shows it. Reads up to a number of
-- rows of each audience, in the order of an index, and a row for each session in which the reader
-- is one of a crowd. Locks nothing.
WITH mine AS MATERIALIZED (
  SELECT audience FROM unnest(%s::text[]) AS given (audience)
  WHERE EXISTS (SELECT 1 FROM {entry} WHERE {entry}.audience = given.audience))
SELECT session_id, newest FROM (
  SELECT DISTINCT ON (session_id) session_id, newest FROM (
    SELECT session_id, newest, seq FROM mine CROSS JOIN LATERAL (
      SELECT session_id, newest, seq FROM {entry} AS entry
      WHERE audience = mine.audience AND {is_listed}) AS fed
    UNION ALL ({in_crowd})) AS found
  ORDER BY session_id, seq DESC) AS sessions
ORDER BY newest DESC LIMIT %s

-- name: followed
-- Which of these sessions somebody follows. Locks nothing.
{followed_by} AND {session}.id = ANY(%s::uuid[])

-- name: unread_of
-- For each of these people, the sessions with new messages among the newest sessions of which they
-- are members, and the number of the newest message by others. Locks nothing.
WITH followed (user_id, session_id) AS (
  SELECT asked.key, fed.session_id FROM unnest(%s::{user_key}[]) AS asked (key)
  CROSS JOIN LATERAL (SELECT session_id FROM {entry} WHERE audience = 'member:' || asked.key
    ORDER BY newest DESC LIMIT %s) AS fed
  UNION SELECT user_id, session_id FROM {member}
  WHERE in_crowd AND user_id = ANY(%s::{user_key}[]))
{unread_of_followed}

-- name: unread_in
-- The same for members of these sessions. Locks nothing.
WITH followed (user_id, session_id) AS (SELECT user_id, session_id FROM {member}
  WHERE session_id = ANY(%s::uuid[]) AND user_id = ANY(%s::{user_key}[]))
{unread_of_followed}
