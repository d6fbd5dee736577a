-- The statements of chat that are the same for PostgreSQL and SQLite. procedures/store/sql/both.sql
-- describes how they are written.

-- name: session_of_run
-- The session in which a run has its card. Locks nothing: a card never moves.
SELECT session_id FROM {message} WHERE run_id = %s AND kind = 'run'

-- part: next_seq
UPDATE {session} SET last_seq = last_seq + 1

-- part: next_seq_said
UPDATE {session} SET last_seq = last_seq + 1, said = said + 1

-- part: change_columns
session_id, seq, kind, object, whom

-- name: seal_said
-- Stores the seal of a session's count of messages, in the transaction that counted and locked it.
UPDATE {session} SET said_proof = %s WHERE id = %s

-- name: run_of_request
-- The run that asks. Locks nothing: it is looked up so that the run can be locked first.
SELECT run_id FROM {wait} WHERE id = (SELECT wait_id FROM {request} WHERE id = %s)

-- part: whole_run_of_request
SELECT {run.*} FROM {run} WHERE id = ({run_of_request})

-- part: request_with_wait
SELECT {request.*}, {wait.*}, {now} FROM {request} JOIN {wait} ON {wait}.id = wait_id
WHERE {request}.id = %s

-- part: closing_request
UPDATE {request} SET status = %s, outcome = %s, closed_by = %s, closed_at = %s, closed_why = %s,
  effective_at = %s, history = %s, history_head = %s, history_proof = %s, version = version + 1
WHERE wait_id = %s AND status = 'open' RETURNING id, session_id, assigned

-- part: shares
INSERT INTO {shared} (member_id, user_id, run_id, procedure_id)
SELECT DISTINCT m.id, m.user_id, r.id, r.procedure_id FROM {member} m

-- part: of_others
-- The members' own runs are in their lists already.
(r.started_by_id IS NULL OR r.started_by_id <> m.user_id) ON CONFLICT DO NOTHING

-- name: share_run
-- Puts a run into the lists of a session's members. Locks only the new rows: the session is locked,
-- so that nobody joins it meanwhile.
{shares} JOIN {run} r ON r.id = %s WHERE m.session_id = %s AND {of_others}

-- name: share_session
-- Puts the runs of a session into the lists of a new member.
{shares} JOIN {message} e ON e.session_id = m.session_id JOIN {run} r ON r.id = e.run_id
WHERE m.id = %s AND {of_others}

-- part: each_permission
WITH RECURSIVE known (permission) AS (
  SELECT min(permission) FROM {assignment} WHERE permission <> ''
  UNION ALL
  SELECT (SELECT min(a.permission) FROM {assignment} a
          WHERE a.permission <> '' AND a.permission > known.permission)
  FROM known WHERE known.permission IS NOT NULL
)
SELECT permission FROM known WHERE permission IS NOT NULL

-- name: assigned_permissions
-- Each permission to which any request was ever assigned, by one step in the index for each
-- permission. Locks nothing.
{each_permission}

-- name: facts_for_rules
-- The same permissions, then '' if any open request is claimed, and NULL if the user has snoozed
-- any request. Locks nothing.
{each_permission} UNION ALL
SELECT '' WHERE EXISTS
  (SELECT 1 FROM {request} WHERE status = 'open' AND claimed_by_id IS NOT NULL) UNION ALL
SELECT NULL WHERE EXISTS (SELECT 1 FROM {snooze} WHERE user_id = %s AND until > {now})

-- name: runs_of_session
-- The runs with an entry in a session, by one step in the index for each run. Locks nothing.
WITH RECURSIVE known (run_id) AS (
  SELECT run_id FROM (SELECT run_id FROM {message}
    WHERE session_id = %s AND run_id IS NOT NULL ORDER BY run_id LIMIT 1) AS first
  UNION ALL
  SELECT (SELECT run_id FROM {message} AS next
          WHERE session_id = %s AND next.run_id > known.run_id ORDER BY run_id LIMIT 1)
  FROM known WHERE run_id IS NOT NULL
)
SELECT run_id FROM known WHERE run_id IS NOT NULL

-- name: ways_to_answer
-- The assignments of a request by which somebody may answer it: by name, by a group, or by a
-- permission that they may hold. Locks nothing: the request is locked.
SELECT user_id, group_id, {group}.name, permission FROM {assignment}
LEFT JOIN {group} ON {group}.id = group_id
WHERE request_id = %s
  AND (user_id = %s OR group_id IN ({groups_of_user}) OR NOT (permission = ''))
ORDER BY {assignment}.id

-- name: add_run_audience
-- Stores an audience that a run asks, once, in the statement that inserts the assignment.
INSERT INTO {audience_of_run} (run_id, audience) VALUES (%s, %s) ON CONFLICT DO NOTHING

-- part: fed_audiences
-- Any one member's row tells whether the members are a crowd, without reading a thousand others.
SELECT 'member:' || user_id AS audience FROM {member} WHERE session_id = %s
  AND NOT (SELECT in_crowd FROM {member} WHERE session_id = %s LIMIT 1)
UNION SELECT audience FROM {audience_of_run} WHERE run_id IN (%s, %s)

-- part: fed
INSERT INTO {entry} (session_id, audience, newest, seq)

-- part: hidden
-- In a private session, only members have entries that lists read. Those of all other audiences get
-- a name for which no list asks, until the session is public again.
CASE WHEN substr(audience, 1, 7) <> 'member:' THEN 'private:' || audience ELSE audience END

-- part: fed_name
-- The parameter is true for a private session that is inserted together with the message.
CASE WHEN %s OR (SELECT is_private FROM {session} WHERE id = %s) THEN {hidden} ELSE audience END

-- name: hide_feed
-- Removes a session from the lists of everybody who isn't a member. The session is locked.
UPDATE {entry} SET audience = {hidden} WHERE session_id = %s

-- name: show_feed
-- Puts a session back into the lists of everybody who may read any part of it. The session is
-- locked.
UPDATE {entry} SET audience = substr(audience, 9)
WHERE session_id = %s AND substr(audience, 1, 8) = 'private:'

-- part: fed_again
ON CONFLICT (session_id, audience) DO UPDATE SET newest = excluded.newest, seq = excluded.seq

-- name: join_feed
-- Lists a session for somebody who becomes a member after its newest message.
{fed} SELECT session_id, %s, newest, seq FROM {entry}
WHERE session_id = %s AND audience IN ('all', 'private:all')
{fed_again}

-- part: in_crowd
-- The newest message of each session in which a reader is one of a crowd.
SELECT entry.session_id, entry.newest, entry.seq FROM {member}
JOIN {entry} AS entry ON entry.session_id = {member}.session_id
  AND entry.audience IN ('all', 'private:all')
WHERE {member}.user_id = %s AND {member}.in_crowd
  AND entry.newest < %s ORDER BY entry.newest DESC LIMIT %s

-- part: is_listed
-- Each test compares a value with a constant by <>, because PostgreSQL then expects that nearly all
-- rows pass, and reads only as many as it needs, in the order of the index.
newest < %s
AND coalesce((SELECT 1 FROM mine AS own JOIN {entry} AS newer
  ON newer.session_id = entry.session_id AND newer.audience = own.audience
  WHERE (newer.newest >= %s) IS TRUE LIMIT 1), 0) <> 1
AND coalesce((SELECT 1 FROM {member} JOIN {entry} AS newer
  ON newer.session_id = {member}.session_id AND newer.audience IN ('all', 'private:all')
  WHERE {member}.session_id = entry.session_id AND user_id = %s AND in_crowd
  AND (newer.newest >= %s) IS TRUE LIMIT 1), 0) <> 1
AND (audience <> %s OR coalesce((SELECT 1 FROM {member}
  WHERE {member}.session_id = entry.session_id AND user_id = %s LIMIT 1), 0) <> 0)
AND (audience <> %s OR coalesce((SELECT 1 FROM mine AS own JOIN {entry} AS other
  ON other.session_id = entry.session_id AND other.audience = own.audience
  WHERE own.audience <> %s LIMIT 1), 0) <> 0)
ORDER BY newest DESC LIMIT %s

-- part: marked
INSERT INTO {mark} (session_id, user_id, seq, mentioned)

-- part: marked_again
ON CONFLICT (session_id, user_id) DO UPDATE

-- name: mark_read
-- Moves somebody's mark in a session forward, never back, and not past the session's newest change.
-- Returns no row if the mark stays. Locks only the mark.
{marked} SELECT id, %s, CASE WHEN last_seq < %s THEN last_seq ELSE %s END, 0 FROM {session}
WHERE id = %s {marked_again} SET seq = excluded.seq WHERE {mark}.seq < excluded.seq RETURNING seq

-- name: follow_from_here
-- Sets a new member's mark to the current end of a session, which is locked.
{marked} SELECT id, %s, last_seq, 0 FROM {session} WHERE id = %s
ON CONFLICT (session_id, user_id) DO NOTHING

-- name: note_mention
-- Stores that a message mentions somebody. A member without a mark has read nothing so far; anybody
-- else without a mark follows the session from that message on.
{marked} SELECT id, %s, CASE WHEN EXISTS (SELECT 1 FROM {member}
  WHERE {member}.session_id = {session}.id AND {member}.user_id = %s) THEN 0 ELSE %s END, %s
FROM {session} WHERE id = %s {marked_again} SET mentioned = excluded.mentioned

-- part: counted_above
SELECT count(*) FROM (SELECT 1 FROM {message} AS new WHERE new.session_id = {session}.id
  AND new.seq > coalesce(mark.seq, 0) AND (new.author_id IS NULL OR new.author_id <> %s)
  ORDER BY new.seq LIMIT %s) AS counted

-- part: newest_above
SELECT new.seq FROM {message} AS new WHERE new.session_id = followed.session_id
  AND new.seq > coalesce(mark.seq, 0)
  AND (new.author_id IS NULL OR new.author_id <> followed.user_id)
ORDER BY new.seq DESC LIMIT 1

-- part: unread_of_followed
SELECT user_id, session_id, newest FROM (
  SELECT followed.user_id, followed.session_id, ({newest_above}) AS newest
  FROM followed JOIN {member} ON {member}.session_id = followed.session_id
    AND {member}.user_id = followed.user_id
  LEFT JOIN {mark} AS mark ON mark.session_id = followed.session_id
    AND mark.user_id = followed.user_id) AS found
WHERE newest IS NOT NULL

-- part: followed_by
-- How far somebody has read a session, and how many messages by others are newer, up to a limit.
SELECT {session}.id, mark.seq, coalesce(mark.mentioned, 0), {member}.id IS NOT NULL,
  ({counted_above})
FROM {session}
LEFT JOIN {mark} AS mark ON mark.session_id = {session}.id AND mark.user_id = %s
LEFT JOIN {member} ON {member}.session_id = {session}.id AND {member}.user_id = %s
WHERE (mark.seq IS NOT NULL OR {member}.id IS NOT NULL)
