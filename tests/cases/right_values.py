"""Every case with what it follows and its right value."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["CASES", "Case"]


class Case(NamedTuple):
    """An input and its right value.

    Attributes:
        after: what it follows.
        right: the right value. Where a reading is not named, it is the default one, ``heard``.
    """

    after: str
    right: str


CASES: Final[dict[str, Case]] = {
    "01_hf_cumulative_input_deltas.jsonl": Case(
        "huggingface/speech-to-speech#474",
        'one user line, text exactly "Where is the tram stop?" (no hypothesis before or behind '
        "it), in all readings, also in default `heard`",
    ),
    "02a_hf_sentence_dones_indexed.jsonl": Case(
        "speech-to-speech PR#381, #439",
        "assistant line holds both sentences in order, in all three readings; user line there",
    ),
    "02b_hf_sentence_dones_same_index.jsonl": Case(
        "the same, one content index",
        "both sentences, or the loss of the first is reported (problem / check)",
    ),
    "03_hf_minimal_lifecycle.jsonl": Case(
        "speech-to-speech realtime README",
        'in this order: user "Wave at me.", assistant "Here you go.", call wave({"hand":"left"}),'
        ' its output "done" (a line of its own or joined to the call); `previous_item_id: null` '
        "of the output moves nothing, the client asked for no place; in the default reading",
    ),
    "04a_speaches_args_prefix.jsonl": Case(
        "speaches response_event_router.py",
        'arguments {"city":"Oslo"} once; `check` exits 0',
    ),
    "04b_speaches_args_prefix_cut.jsonl": Case(
        "the same, connection dies",
        'arguments so far {"city":"Os',
    ),
    "05a_localai_added_full.jsonl": Case(
        "mudler/LocalAI realtime.go",
        "text once; audio 600 ms, not 1200; check exits 0",
    ),
    "06_localai_no_item_id.jsonl": Case(
        "LocalAI (older): event_TODO, no item_id",
        'user "Good evening." in every reading; assistant "Evening!" in generated and delivered, '
        'in `heard` only with the basis "no sound on record" (none came: the error says so); '
        "error names no request (its event_id is an item's, and all server event ids are alike); "
        "span 400–900 of 800 ms received: unreliable; show does not crash",
    ),
    "06b_retrieved_transcript.jsonl": Case(
        "openai-agents-js PR#1341",
        'the retrieved item states "Good evening.": it is the user\'s line in every reading; `check` exits 0',
    ),
    "07_item_id_collision.jsonl": Case(
        'LocalAI: "a constant would make every ID alias"',
        "all four texts visible in the transcript, or a problem says that an id was used twice; "
        "never words of one speaker under the other's name silently",
    ),
    "08_speaches_buffer_clock.jsonl": Case(
        "speaches input_audio_buffer*.py",
        "item_u2's sound is not item_u1's: either value 7000, or span unreliable / no file",
    ),
    "09_16k_no_ms.jsonl": Case(
        "LiteLLM PR#42479 (sarvam)",
        "input 16 kHz, 2.000 s; no crash; span absent or unreliable with a reason; one user line "
        '"Four score and seven"',
    ),
    "10_vllm.jsonl": Case(
        "vllm realtime protocol.py",
        'no crash; the error\'s words "audio too long" are shown; transcript does not look like an'
        " empty call without a word about it: unknown events named",
    ),
    "11_xai_deleted_no_id.jsonl": Case(
        "livekit/agents PR#5320",
        "order One, Two, Three; item_2 deleted (it is the only pending delete), One and Three stay; no crash",
    ),
    "12_two_turns_late_transcripts.jsonl": Case(
        "openai-agents-js#106",
        'user "A croissant, please.", user "And a coffee.", assistant "Right away."',
    ),
    "13_dup_completed.jsonl": Case(
        "OpenWhispr PR#790",
        "text once; check 0",
    ),
    "15_double_commit.jsonl": Case(
        "goodroot/hyprwhspr#63",
        "one user item with span 0-500; commit refused; nothing pending",
    ),
    "16_cannot_update_voice.jsonl": Case(
        "openai-python#2607",
        'the update with the voice is the refused one; instructions "Speak slowly."; voice marin; nothing pending',
    ),
    "17_unknown_parameter.jsonl": Case(
        "langchain_dart#624",
        'update refused; the user\'s item is not "pending transcription"',
    ),
    "18a_truncate_zero_refused.jsonl": Case(
        "livekit/agents#6157",
        "truncation refused; one interruption (cancel); nothing heard of item_a1",
    ),
    "18b_truncate_zero_accepted.jsonl": Case(
        "the same, accepted",
        'item_a1: heard text "" (0 of 2000 ms)',
    ),
    "19_truncate_too_long.jsonl": Case(
        "twilio python#45, pipecat#3677",
        'item_a1 whole ("One moment please."), item_a2 cut at 900 ms; error tied to the first truncate',
    ),
    "19b_truncate_refused_only.jsonl": Case(
        "pipecat#2106",
        "nothing cut, whole text heard; no interruption",
    ),
    "20_cancel_before_created.jsonl": Case(
        "livekit/agents PR#6244",
        "cancel refused; resp_1 completed, triggered by the client; whole text heard",
    ),
    "22b_two_messages_first_cut.jsonl": Case(
        "pipecat PR#4465",
        'item_a1 cut at 500 of 1000 ms, item_a2 never begun (heard "")',
    ),
    "23_seed_audio_history.jsonl": Case(
        "openai-realtime-console#464",
        'user line "Earlier words."; `audio --item item_h1` 300 ms of value 4000; not in the user\'s track',
    ),
    "24_seed_refused.jsonl": Case(
        "openai-agents-js#963",
        'lines "Book a room.", "Friday."; "Which night?" not in it; error tied to h2',
    ),
    "26_usage_two_spellings.jsonl": Case(
        "litellm PR#39864",
        "usage 20/2/22; no crash in show, diff with itself equal",
    ),
    "27_close_4000.jsonl": Case(
        "litellm#13471",
        "list/show say 4000 and the reason",
    ),
    "28_session_expired_pending.jsonl": Case(
        "reachy_mini#134, twilio python#10",
        'error tied to nothing; create + second response.create stay pending (not refused); "Also'
        ' a tea." is no line of the conversation, or a line that says it was never acknowledged; '
        'the close at 1.17 s ends "Yes, tell me." after 350 of 500 ms; close 1001',
    ),
    "28b_append_refused_other_pending.jsonl": Case(
        "aoai-realtime-audio-sdk#95",
        "error tied to the append (or to nothing); the item and the response stand; response triggered by the client",
    ),
    "29_sideband_no_close.jsonl": Case(
        "openai-agents-js#684",
        'user "Transfer me, please."; assistant in generated and delivered; `heard`: "cut at 1000'
        ' ms; how much was heard is not known", no word of it shown as heard; audio says there is'
        " no sound; verify 0",
    ),
    "30_dtmf.jsonl": Case(
        "docs realtime SIP / xAI DTMF",
        "three key presses with their times in show and transcript, as • by default, 1, 2, # with `--reveal dtmf`",
    ),
    "31_diarised_segments.jsonl": Case(
        "API reference segment event",
        "text once, and who said what (A/B) is kept",
    ),
    "32a_replacement_chars.jsonl": Case(
        "azure-rest-api-specs#43806, codex#35161",
        '"가볍게 이야기"; check 0',
    ),
    "32b_split_surrogates.jsonl": Case(
        "azure-rest-api-specs#43806, codex#35161",
        '"Done 😀 now", one emoji; NUL and U+202E behind it as escapes in terminal and text, NUL '
        "not in HTML; valid UTF-8 in text, json, html, srt; import and export keep the digest; no"
        " crash",
    ),
    "33_qwen.jsonl": Case(
        "DashScope docs",
        'user "Play some jazz.", assistant "Jazz it is."; input at 24 kHz only with a note, '
        "output format pcm24 named or taken as 24 kHz with a note",
    ),
    "34_gpt_live.jsonl": Case(
        "pipecat PR#5688",
        'user "Good morning", assistant "Morning! How are you?" — or a clear word that this '
        "vocabulary is not folded; audio 1 s per side likewise",
    ),
    "35_translation.jsonl": Case(
        "azure-rest-api-specs#43806",
        'source "駅\\ufffdは" (U+FFFD kept, no space added), translation "The station"; sound 1.0 s '
        "in, 0.2 s out — or, until the vocabulary is folded, one line that says it is not read; "
        "check and diff do not answer 0",
    ),
    "36_incomplete_call.jsonl": Case(
        "xaibo/Realtime incomplete",
        "call with the partial arguments and a remark; response incomplete max_output_tokens; check 0",
    ),
    "37_empty_arguments.jsonl": Case(
        "openai-agents-js#664",
        'now() with "" and output 12:00 paired; no crash',
    ),
    "38_parallel_calls.jsonl": Case(
        "openai-agents-python PR#3405",
        "call_1→1.1, call_2→162; of three response.create the first (rc0) made resp_1, the one at"
        " 0.56 made resp_2, the one at 0.58 is refused (the error names resp_2 as already active)",
    ),
    "39_azure_word_timestamps.jsonl": Case(
        "Voice Live response.audio_timestamp.delta",
        'heard = exactly "The code is four two seven one nine."',
    ),
    "40_response_cancelled_event.jsonl": Case(
        "codex PR#17306 (response.cancelled)",
        "resp_1 cancelled, or the event named as unknown; item_a1 is not heard whole without a "
        "stated basis: stopped at the cancel (380 of 2000 ms), or played on to 2.22 s, and then "
        '"Okay." is cut by the close at 2.4 s',
    ),
    "41_odd_deltas.jsonl": Case(
        "realtime-api-beta#113",
        "48 000 bytes joined across deltas (a delta may end inside a sample; only an odd byte at "
        "the part's end is dropped and reported): 1000 ms, equal to the joined bytes",
    ),
    "43_server_side_tool.jsonl": Case(
        "LocalAI",
        'call list_models and its output as a pair, both output_index 0; "Two models." once',
    ),
    "44_says_ulaw_sends_pcm.jsonl": Case(
        "PatterAI/Patter#154",
        "a problem that the output's bytes do not fit the stated µ-law: they read as PCM16 (high "
        'and low bytes alternate; 6 s for "Static?"). Arrival speed is no evidence: 48 000 bytes '
        "in 0.2 s is usual",
    ),
    "45_echo_wrong_then_right.jsonl": Case(
        "realtime-api-beta#18",
        "only the wrong echo is in the file. `check` reports input_audio_format: asked g711_ulaw,"
        " echoed pcm16. The bytes decide: 8 000 B in 1 s and a span 0–1000 ms fit 8 kHz µ-law "
        "(the report says so, too); read as pcm16 it is 167 ms and the span must be unreliable. "
        "Never silent",
    ),
    "46_null_fields.jsonl": Case(
        "robustness",
        "no crash anywhere; problems listed",
    ),
    "47_completed_text_key.jsonl": Case(
        "DashScope variants",
        'user "Turn it up." in every reading',
    ),
    "48_transcription_without_item_id.jsonl": Case(
        "TypeWhisper PR#1052",
        'one user line "Meet me at noon." in every reading, a problem that the item is not named',
    ),
    "50_cjk_cut.jsonl": Case(
        "pipecat#2307",
        "heard ≈ 10 of 23 characters (2000 of 4400 ms, 45 %), a prefix of the text",
    ),
    "51_chrome.har": Case(
        "postman#10975, vercel/ai#20695",
        "imported: 2 frames, server then client, opened 2026-01-02T10:00:00Z; until import of HAR"
        " exists a refusal that names what can be read",
    ),
    "52_bare_events.jsonl": Case(
        "SDK logs",
        "imported, senders inferred from the types and times unknown, both stated; until then as 51",
    ),
    "54_live_scrub.jsonl": Case(
        'GPT-Live (pipecat PR#5688), scrub of "Anna Kowalska", both words, and of all sound',
        'neither "Anna", "Kowalska" nor their pieces ("Kow", "alska", "Kowal", "ska") nor samples 1500 / 2500',
    ),
    "55_translation_scrub.jsonl": Case(
        'translation, scrub of "Kowalska" and of all sound',
        "the same",
    ),
    "58_clock_step.jsonl": Case(
        "wall clock stepping back 2 ms in a browser log",
        "imported whole in the file's order; a problem names line 3",
    ),
    "60_empty_conversation_id.jsonl": Case(
        'Qwen `conversation_id: ""`',
        'one assistant line "Hello there." in every reading (`heard` with the basis "no sound on '
        'record"), also while the response runs; in band',
    ),
    "61_failed_rate_limit.jsonl": Case(
        "OpenAI rate limits",
        "show and transcript say that r1 failed, with code and message; 0 tokens",
    ),
    "close_early.ndjson": Case(
        "synthetic",
        'close at 5.1 s: 4.0 of 20.0 s heard, about "a very long answer"',
    ),
    "lag.ndjson": Case(
        "synthetic",
        "the player began 400 ms late, as the truncation shows: cut at 4.5 s of the timeline",
    ),
    "late_trunc.ndjson": Case(
        "synthetic",
        'a1: first delta 1.1 s, 2.8 of 3.0 s heard, text never "on"; its truncation at 6.0 s '
        "comes after its modelled end (4.1 s), so it anchors nothing and cuts nothing else; a2 "
        '5.1–10.1 s whole, "two three"',
    ),
    "loud.ndjson": Case(
        "synthetic",
        "`--track mono`: both sides at 30000 from 0.1 s; no clipped sample, or the factor / the clipping is stated",
    ),
    "oob_audio.ndjson": Case(
        "synthetic",
        '"out of band words" neither in heard text nor in heard sound; "in band words" from 1.6 s, whole',
    ),
    "openai_no_item.jsonl": Case(
        "pydantic-ai capture less its commit and item events (real words: stays out of the repository)",
        'user "Hello, my name is Marcelo." before the assistant\'s line, in every reading',
    ),
    "par_diff.jsonl": Case(
        "control: output_index 0 and 1",
        "as par_same",
    ),
    "par_same.jsonl": Case(
        "xAI: output_index 0 for every item (two parallel calls extrapolated)",
        "each call gets its own output when the session is driven against its own replay with fresh ids",
    ),
    "tx_de_long.ndjson": Case(
        "synthetic",
        "the cut falls into the first, very long word: no word was heard whole, and the line says"
        " that part of one sounded",
    ),
    "tx_emoji.ndjson": Case(
        "synthetic",
        "1500 of 4000 ms: the first one or two of six emoji, whole",
    ),
    "tx_thai.ndjson": Case(
        "synthetic",
        "1500 of 4000 ms: about 20 of 54 characters, a prefix, not cut before a combining mark",
    ),
    "tx_zh_space.ndjson": Case(
        "synthetic",
        "2000 of 4000 ms: about 13 of 27 characters, a prefix",
    ),
    "62_barge_in_vad_truncated.jsonl": Case(
        "synthetic",
        'assistant cut at 2000 of 4000 ms ("One two three four"), basis: the truncation; playback'
        " began at 0.2 s as modelled (2.23 s - 2.0 s = 0.23 s anchors it); response cancelled by "
        "the user's speech; one interruption with speech, cut and response paired; then \"Stop "
        'please."',
    ),
    "63_barge_in_vad_untruncated.jsonl": Case(
        "synthetic",
        "the same without a truncation: stopped at `speech_started` (2.2 s), called assumed: "
        "about 2000 of 4000 ms heard; with `--playback continue` it plays to the close at 4.0 s "
        "(3.8 of 4.0 s)",
    ),
    "64_mcp_with_approval.jsonl": Case(
        "API reference, MCP",
        'one call: server shop, order({"item":"tea"}), approved, output {"ordered":true}; nothing pending; check 0',
    ),
    "65_clear_then_failed_transcription.jsonl": Case(
        "synthetic",
        "item_u1's sound is 1 s of value 7000; the user line carries the failure and its code",
    ),
}
"""Every case by its file's name."""
