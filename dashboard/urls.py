"""The URLs of pages and of the API, in one namespace; a site can include them under any prefix."""

from django.contrib.auth.views import LogoutView
from django.urls import path, register_converter
from django.urls.converters import StringConverter

from dashboard.api.site import api
from dashboard.mcp.view import no_server
from dashboard.pages import (
    announcements,
    bulk,
    chat,
    detail,
    drafts,
    evidence,
    files,
    filters,
    home,
    inbox,
    live,
    manifest,
    mentions,
    message_files,
    operations,
    probes,
    procedures,
    profile,
    push,
    reading,
    requests,
    run_bulk,
    run_matching,
    runs,
    search,
    session_commands,
    sessions,
    sign_in,
    standing,
    stopping,
    wholes,
)


class PlainConverter(StringConverter):
    """A path converter that doesn't match NUL characters, which PostgreSQL refuses in queries."""

    regex = r"[^/\0]+"


app_name = "countersign"
register_converter(PlainConverter, "plain")
urlpatterns = [
    path("api/", api.urls),  # first: each program comes by here, and none of the others begins so
    path("", home.home, name="home"),
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path("manifest.webmanifest", manifest.manifest, name="manifest"),
    path("speculation-rules", manifest.speculation_rules, name="speculation_rules"),
    path("sign-in", sign_in.SignIn.as_view(), name="sign_in"),
    path("sign-in/<plain:name>/<plain:token>", sign_in.sign_in_link, name="sign_in_link"),
    path("sign-out", LogoutView.as_view(), name="sign_out"),
    path("announcements", announcements.announcements, name="announcements"),
    path(
        "announcements/dismissals",
        announcements.dismiss_announcement,
        name="announcement_dismissals",
    ),
    path("profile", profile.profile, name="profile"),
    path("profile/tokens", profile.create_token, name="profile_tokens"),
    path("profile/tokens/revocation", profile.revoke_tokens, name="profile_tokens_revocation"),
    path(
        "profile/tokens/<int:token_id>/revocation",
        profile.revoke_token,
        name="profile_token_revocation",
    ),
    path("profile/sign-ins/end", profile.end_other_sign_ins, name="profile_sign_ins_end"),
    path("profile/sign-ins/<int:sign_in_id>/end", profile.end_sign_in, name="profile_sign_in_end"),
    path("profile/password", profile.change_password, name="profile_password"),
    path("profile/time-zone", profile.choose_time_zone, name="profile_time_zone"),
    path("profile/browsers", push.create_subscription, name="profile_browsers"),
    path(
        "profile/browsers/<int:subscription_id>/removal",
        push.remove_subscription,
        name="profile_browser_removal",
    ),
    path("service-worker.js", push.service_worker, name="service_worker"),
    path("profile/mentions", profile.choose_mentions, name="profile_mentions"),
    path("profile/keys", profile.choose_keys, name="profile_keys"),
    path("search", search.search, name="search"),
    path("search/results", search.search_results, name="search_results"),
    path("overview", home.home_overview, name="home_overview"),
    path("overview/days", home.home_days, name="home_days"),
    path("overview/health", home.home_health, name="home_health"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/filters", filters.create_filter, name="inbox_filters"),
    path("inbox/filters/removal", filters.remove_filter, name="inbox_filter_removal"),
    path("inbox/rows", inbox.inbox_rows, name="inbox_rows"),
    path("inbox/first", inbox.inbox_request, name="inbox_first"),
    path("inbox/requests/<uuid:request_id>", inbox.inbox_request, name="inbox_request"),
    path("inbox/bulk", bulk.inbox_bulk, name="inbox_bulk"),
    path("requests/<uuid:request_id>/seen", inbox.request_seen, name="request_seen"),
    path("requests/<uuid:request_id>/usual", inbox.request_usual, name="request_usual"),
    path("requests/<uuid:request_id>/snooze", inbox.request_snooze, name="request_snooze"),
    path("requests/<uuid:request_id>/claim", inbox.request_claim, name="request_claim"),
    path("requests/<uuid:request_id>/draft", drafts.request_draft, name="request_draft"),
    path("requests/waiting", requests.waiting_list, name="waiting_list"),
    path("requests/<uuid:request_id>", requests.request_detail, name="request_detail"),
    path("requests/<uuid:request_id>/form", requests.request_form, name="request_form"),
    path("requests/<uuid:request_id>/response", requests.create_response, name="request_response"),
    path("requests/<uuid:request_id>/evidence", evidence.request_evidence, name="request_evidence"),
    path("requests/<uuid:request_id>/undo", requests.request_undo, name="request_undo"),
    path("requests/<uuid:request_id>/whole/<str:part>", wholes.request_part, name="request_part"),
    path(
        "requests/<uuid:request_id>/files/<plain:digest>", files.request_file, name="request_file"
    ),
    path(
        "requests/<uuid:request_id>/files/<plain:digest>/preview",
        files.request_file_preview,
        name="request_file_preview",
    ),
    path(
        "requests/<uuid:request_id>/file-changes",
        files.request_file_changes,
        name="request_file_changes",
    ),
    path("standing-decisions", standing.standing_list, name="standing_list"),
    path(
        "standing-decisions/<int:decision_id>/revocation",
        standing.revoke_standing,
        name="standing_revocation",
    ),
    path("chat", chat.session_list, name="session_list"),
    path("chat/rows", chat.session_rows, name="session_rows"),
    path("chat/new", sessions.create_session, name="session_new"),
    path("chat/<uuid:session_id>/members", sessions.member_list, name="session_members"),
    path(
        "chat/<uuid:session_id>/members/<int:member_id>/removal",
        sessions.remove_member,
        name="session_member_removal",
    ),
    path("chat/<uuid:session_id>/title", sessions.rename, name="session_title"),
    path("chat/<uuid:session_id>/privacy", sessions.change_privacy, name="session_privacy"),
    path("chat/<uuid:session_id>", chat.session_detail, name="session_detail"),
    path("chat/<uuid:session_id>/detail", detail.choose_detail, name="session_choose_detail"),
    path("chat/<uuid:session_id>/beside", chat.session_beside, name="session_beside"),
    path("chat/<uuid:session_id>/messages", chat.create_message, name="message_create"),
    path("chat/<uuid:session_id>/people", mentions.session_people, name="session_people"),
    path("chat/<uuid:session_id>/reading", reading.create_reading, name="session_reading"),
    path("chat/<uuid:session_id>/stop", stopping.session_stop, name="session_stop"),
    path("chat/<uuid:session_id>/stop/button", stopping.stop_button, name="stop_button"),
    path("chat/<uuid:session_id>/replying", chat.session_replying, name="session_replying"),
    path("chat/<uuid:session_id>/commands", session_commands.command_list, name="command_list"),
    path("chat/<uuid:session_id>/draft", session_commands.start_draft, name="start_draft"),
    path(
        "chat/<uuid:session_id>/starts/<plain:name>",
        session_commands.create_start,
        name="session_start",
    ),
    path("chat/<uuid:session_id>/files", message_files.create_file, name="message_file_create"),
    path(
        "messages/<uuid:message_id>/files/<plain:digest>", files.message_file, name="message_file"
    ),
    path(
        "messages/<uuid:message_id>/files/<plain:digest>/preview",
        files.message_file_preview,
        name="message_file_preview",
    ),
    path("messages/<uuid:message_id>", wholes.message_text, name="message_text"),
    path("runs", runs.run_list, name="run_list"),
    path("runs/bulk", run_bulk.run_bulk, name="run_bulk"),
    path("runs/matching", run_matching.run_matching, name="run_matching"),
    path("runs/changes", runs.run_changes, name="run_changes"),
    path("runs/<uuid:run_id>", runs.run_detail, name="run_detail"),
    path("runs/<uuid:run_id>/journal", runs.run_journal, name="run_journal"),
    path("runs/<uuid:run_id>/questions", requests.run_questions, name="run_questions"),
    path("runs/<uuid:run_id>/operations", operations.run_operations, name="run_operations"),
    path(
        "runs/<uuid:run_id>/operations/<plain:name>", operations.run_operation, name="run_operation"
    ),
    path("runs/<uuid:run_id>/files/<plain:name>", files.run_file, name="run_file"),
    path("runs/<uuid:run_id>/whole/<str:name>", wholes.run_value, name="run_value"),
    path("runs/<uuid:run_id>/events/<int:seq>", wholes.run_event, name="run_event"),
    path("procedures", procedures.procedure_list, name="procedure_list"),
    path("procedures/<plain:name>", procedures.procedure_detail, name="procedure_detail"),
    path("live", live.live_socket, name="live"),
    path("mcp", no_server, name="mcp"),
    path("live/range", live.live_range, name="live_range"),
]
