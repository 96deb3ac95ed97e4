"""One member's Matrix app: matrix-nio with libolm, kept in memory, told what to do over standard input.

  in:  {"id": 1, "do": "login", ...}             one instruction a line; they run side by side
  out: {"id": 1, "result": {...}}                or {"id": 1, "error": {"status", "errcode", "softLogout", "message"}}

Usage: python3 member.py BASE_URL
"""
import asyncio
import hashlib
import io
import json
import os
import sys
import tempfile

import nio


class Refused(Exception):
    """The library gives a refusal back as a value."""

    def __init__(self, answer):
        super().__init__(f"{answer}")
        self.answer = answer


def good(answer):
    if isinstance(answer, nio.ErrorResponse):
        raise Refused(answer)
    return answer


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Member:
    def __init__(self, base_url):
        # One try for everything: a refusal that the library would sit out in silence shall be seen.
        config = nio.AsyncClientConfig(encryption_enabled=True, store_sync_tokens=False, max_limit_exceeded=0, max_timeouts=0)
        self.client = nio.AsyncClient(base_url, store_path=tempfile.mkdtemp(), config=config)
        self.messages = []
        self.news = asyncio.Condition()

    async def eventually(self, find):
        """What `find` returns, tried now and again after each answer of the server."""
        async with self.news:
            while not (found := find()):
                await self.news.wait()
            return found

    async def on_answer(self, _):
        async with self.news:
            self.news.notify_all()

    async def on_message(self, room, event):
        self.messages.append({
            "room": room.room_id,
            "sender": event.sender,
            "text": event.body,
            "sentAs": "m.room.encrypted" if event.decrypted else "m.room.message",
        })

    async def flows(self):
        return {"flows": good(await self.client.login_info()).flows}

    async def login(self, user, device, code=None, token=None):
        self.client.user = user
        session = good(await self.client.login(password=code, token=token, device_name=device))
        return {"userId": session.user_id, "sessionId": session.device_id, "accessToken": session.access_token}

    async def start(self):
        self.client.add_event_callback(self.on_message, nio.RoomMessageText)
        self.client.add_response_callback(self.on_answer)
        self.syncing = asyncio.create_task(self.client.sync_forever(timeout=30000, full_state=True))
        await self.eventually(lambda: self.client.next_batch and not self.client.should_upload_keys)

    async def create_room(self, invite):
        # It does not ask for encryption: the homeserver's settings see to it.
        return {"room": good(await self.client.room_create(invite=invite)).room_id}

    async def join(self, room):
        await self.eventually(lambda: room in self.client.invited_rooms)
        good(await self.client.join(room))
        await self.eventually(lambda: room in self.client.rooms)

    async def see_join(self, room, user):
        def seen():
            known = self.client.rooms.get(room)
            if known is None or user not in known.users or user in known.invited_users:
                return False
            return known.encrypted and list(self.client.device_store.active_user_devices(user))

        await self.eventually(seen)

    async def send(self, room, text):
        content = {"msgtype": "m.text", "body": text}
        event = good(await self.client.room_send(room, "m.room.message", content, ignore_unverified_devices=True))
        return {"event": event.event_id}

    async def receive(self, text):
        return await self.eventually(lambda: next((message for message in self.messages if message["text"] == text), None))

    async def upload(self, bytes):
        content = os.urandom(bytes)
        answer, _ = await self.client.upload(lambda *_: io.BytesIO(content), "application/octet-stream", filesize=bytes)
        return {"uri": good(answer).content_uri, "sha256": sha256(content)}

    async def download(self, uri):
        content = good(await self.client.download(mxc=uri)).body
        return {"bytes": len(content), "sha256": sha256(content)}

    async def sessions(self):
        return {"sessions": [device.id for device in good(await self.client.devices()).devices]}

    async def who_am_i(self):
        return {"userId": good(await self.client.whoami()).user_id}

    async def logout(self):
        self.syncing.cancel()
        good(await self.client.logout())


def say(answer):
    print(json.dumps(answer), flush=True)


async def follow(member, line):
    order = json.loads(line)
    number, name = order.pop("id"), order.pop("do")
    try:
        say({"id": number, "result": await getattr(member, name)(**order) or {}})
    except Exception as error:
        answer = getattr(error, "answer", None)
        response = getattr(answer, "transport_response", None)
        say({"id": number, "error": {
            "status": getattr(response, "status", None),
            "errcode": getattr(answer, "status_code", None),
            "softLogout": bool(getattr(answer, "soft_logout", False)),
            "message": f"{type(error).__name__}: {error}",
        }})


async def main():
    member = Member(sys.argv[1])
    loop = asyncio.get_running_loop()
    running = set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.create_task(follow(member, line))
        running.add(task)
        task.add_done_callback(running.discard)


asyncio.run(main())
