# ruff: noqa: E501 - lines of the format's data
"""The zstd dictionary of codec table version 1: what JSON of the protocol looks like.

It is part of the file format: stored payloads are read with exactly these bytes, so a change here is a new dictionary
with a new codec number, beside this one. What is most frequent stands last, where references to it are shortest.
"""

from __future__ import annotations

from typing import Final

__all__ = ["DICTIONARY_1"]

_SAMPLES: Final = (
    '{"type":"error","event_id":"event_","error":{"type":"invalid_request_error","code":"invalid_value","message":"","param":null,"event_id":null}}',
    '{"type":"session.created","event_id":"event_","session":{"type":"realtime","object":"realtime.session","id":"sess_","model":"gpt-realtime","output_modalities":["audio"],"instructions":"","tools":[{"type":"function","name":"","description":"","parameters":{"type":"object","properties":{"":{"type":"string","description":""}},"required":[""]}}],"tool_choice":"auto","max_output_tokens":"inf","tracing":null,"truncation":"auto","prompt":null,"expires_at":17,"audio":{"input":{"format":{"type":"audio/pcm","rate":24000},"transcription":{"model":"gpt-4o-mini-transcribe","language":null,"prompt":""},"noise_reduction":{"type":"near_field"},"turn_detection":{"type":"server_vad","threshold":0.5,"prefix_padding_ms":300,"silence_duration_ms":200,"idle_timeout_ms":null,"create_response":true,"interrupt_response":true}},"output":{"format":{"type":"audio/pcm","rate":24000},"voice":"marin","speed":1.0}},"include":null}}',
    '{"type":"session.update","session":{"modalities":["text","audio"],"instructions":"","voice":"alloy","input_audio_format":"pcm16","output_audio_format":"pcm16","input_audio_transcription":{"model":"whisper-1"},"turn_detection":{"type":"semantic_vad","eagerness":"auto"},"temperature":0.8,"max_response_output_tokens":"inf"}}',
    '{"type":"session.updated","event_id":"event_","session":{"id":"sess_","object":"realtime.session","model":"gpt-4o-realtime-preview"',
    '{"event_id":"event_","type":"conversation.created","conversation":{"id":"conv_","object":"realtime.conversation"}}',
    '{"type":"conversation.item.create","previous_item_id":null,"item":{"type":"function_call_output","call_id":"call_","output":"{\\"',
    '{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":""}]}}',
    '{"type":"conversation.item.truncate","item_id":"item_","content_index":0,"audio_end_ms":1}',
    '{"type":"conversation.item.truncated","event_id":"event_","item_id":"item_","content_index":0,"audio_end_ms":1}',
    '{"type":"conversation.item.deleted","event_id":"event_","item_id":"item_"}',
    '{"type":"response.cancel","event_id":"event_"}{"type":"response.create","response":{"conversation":"none","metadata":{"',
    '{"type":"input_audio_buffer.commit"}{"type":"input_audio_buffer.clear"}',
    '{"type":"rate_limits.updated","event_id":"event_","rate_limits":[{"name":"requests","limit":1000,"remaining":999,"reset_seconds":60.0},{"name":"tokens","limit":40000,"remaining":39000,"reset_seconds":1.5}]}',
    '{"type":"conversation.item.input_audio_transcription.failed","event_id":"event_","item_id":"item_","content_index":0,"error":{"type":"server_error","code":null,"message":"","param":null}}',
    '{"type":"conversation.item.input_audio_transcription.completed","event_id":"event_","item_id":"item_","content_index":0,"transcript":"","usage":{"type":"duration","seconds":2},"logprobs":null}',
    '"usage":{"type":"tokens","total_tokens":26,"input_tokens":17,"input_token_details":{"text_tokens":0,"audio_tokens":17},"output_tokens":9}}',
    '{"type":"conversation.item.input_audio_transcription.delta","event_id":"event_","item_id":"item_","content_index":0,"delta":" the","obfuscation":""}',
    '{"type":"input_audio_buffer.speech_started","event_id":"event_","audio_start_ms":1000,"item_id":"item_"}',
    '{"type":"input_audio_buffer.speech_stopped","event_id":"event_","audio_end_ms":2000,"item_id":"item_"}',
    '{"type":"input_audio_buffer.committed","event_id":"event_","previous_item_id":"item_","item_id":"item_"}',
    '{"type":"conversation.item.created","event_id":"event_","previous_item_id":"item_","item":{"id":"item_","object":"realtime.item","type":"message","status":"in_progress","role":"assistant","content":[]}}',
    '{"type":"conversation.item.added","event_id":"event_","previous_item_id":"item_","item":{"id":"item_","type":"message","status":"completed","role":"user","content":[{"type":"input_audio","transcript":null}]}}',
    '{"type":"conversation.item.done","event_id":"event_","previous_item_id":"item_","item":{"id":"item_","type":"message","status":"completed","role":"assistant","phase":"final_answer","content":[{"type":"output_audio","transcript":""}]}}',
    '{"type":"response.created","event_id":"event_","response":{"object":"realtime.response","id":"resp_","status":"in_progress","status_details":null,"output":[],"conversation_id":"conv_","output_modalities":["audio"],"max_output_tokens":"inf","audio":{"output":{"format":{"type":"audio/pcm","rate":24000},"voice":"marin"}},"usage":null,"metadata":null}}',
    '{"type":"response.done","event_id":"event_","response":{"object":"realtime.response","id":"resp_","status":"cancelled","status_details":{"type":"cancelled","reason":"turn_detected"},"output":[{"id":"item_","object":"realtime.item","type":"message","status":"incomplete","role":"assistant","content":[{"type":"output_audio","transcript":""}]}],"conversation_id":"conv_","modalities":["text","audio"],"voice":"alloy","output_audio_format":"pcm16","temperature":0.8,"usage":{"total_tokens":300,"input_tokens":200,"output_tokens":100,"input_token_details":{"text_tokens":150,"audio_tokens":50,"image_tokens":0,"cached_tokens":64,"cached_tokens_details":{"text_tokens":64,"audio_tokens":0,"image_tokens":0}},"output_token_details":{"text_tokens":30,"audio_tokens":70}},"metadata":null}}',
    '{"type":"response.output_item.added","event_id":"event_","response_id":"resp_","output_index":0,"item":{"id":"item_","type":"function_call","status":"in_progress","name":"","call_id":"call_","arguments":""}}',
    '{"type":"response.output_item.done","event_id":"event_","response_id":"resp_","output_index":0,"item":{"id":"item_","object":"realtime.item","type":"message","status":"completed","role":"assistant","content":[{"type":"audio","transcript":""}]}}',
    '{"type":"response.function_call_arguments.delta","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"call_id":"call_","delta":"{\\""}',
    '{"type":"response.function_call_arguments.done","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"call_id":"call_","name":"","arguments":"{}"}',
    '{"type":"response.content_part.added","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"part":{"type":"audio","transcript":""}}',
    '{"type":"response.content_part.done","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"part":{"type":"audio","transcript":""}}',
    '{"type":"response.output_text.delta","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"delta":""}',
    '{"type":"response.output_text.done","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"text":""}',
    '{"type":"response.output_audio.done","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0}',
    '{"type":"response.output_audio_transcript.done","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"transcript":""}',
    '{"type":"response.audio_transcript.delta","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"delta":" you"}',
    '{"type":"response.output_audio_transcript.delta","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"delta":" I","obfuscation":""}',
    '{"event_id":"event_","type":"response.audio.delta","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"delta":""}',
    '{"event_id": "event_", "type": "input_audio_buffer.append", "audio": ""}{"audio":"","type":"input_audio_buffer.append"}',
    '{"event_id":"event_","type":"input_audio_buffer.append","audio":""}',
    '{"type":"response.audio.delta","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"delta":""}',
    '{"type":"response.output_audio.delta","event_id":"event_","response_id":"resp_","item_id":"item_","output_index":0,"content_index":0,"delta":""}',
    '{"type":"input_audio_buffer.append","audio":""}',
)

DICTIONARY_1: Final = "".join(_SAMPLES).encode("ascii")
"""Raw content, no entropy tables (``ZSTD_dct_rawContent``), no dictionary id in the frames."""
