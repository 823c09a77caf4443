"""Uploads in parts: begun, filled, completed or given up."""

from __future__ import annotations

import uuid
from dataclasses import replace
from xml.etree import ElementTree as ET

from redactor.testing.errors import OssFailure, invalid_argument, method_not_allowed
from redactor.testing.listing import iso8601
from redactor.testing.messages import Answer, Request, add, parse_xml, xml_answer
from redactor.testing.objects import new_object
from redactor.testing.store import Store, StoredObject, Upload

MIN_PART_BYTES = 100 * 1024
MAX_PARTS = 10_000


class Multipart:
    """Uploads in parts to a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, request: Request) -> Answer:
        """Answer a request with `uploads` or `uploadId`."""
        match request.method, "uploads" in request.query:
            case "POST", True:
                return self._begin(request)
            case "PUT", False:
                return self._take(request)
            case "GET", False:
                return self._list(request)
            case "POST", False:
                return self._complete(request)
            case "DELETE", False:
                self._find(request)
                del self._store.bucket(request.bucket).uploads[request.query["uploadId"]]
                return Answer(204)
        raise method_not_allowed(request.method)

    def _find(self, request: Request) -> Upload:
        upload = self._store.bucket(request.bucket).uploads.get(request.query["uploadId"])
        if upload is None or upload.key != request.key:
            message = "The specified upload does not exist."
            raise OssFailure(404, "NoSuchUpload", message)
        return upload

    def _begin(self, request: Request) -> Answer:
        upload_id = uuid.uuid4().hex.upper()
        upload = Upload(request.key, new_object(request, b""))
        self._store.bucket(request.bucket).uploads[upload_id] = upload
        root = ET.Element("InitiateMultipartUploadResult")
        add(root, "Bucket", request.bucket)
        add(root, "Key", request.key)
        add(root, "UploadId", upload_id)
        return xml_answer(root)

    def _take(self, request: Request) -> Answer:
        number = request.query.get("partNumber", "")
        if not number.isdecimal() or not 1 <= int(number) <= MAX_PARTS:
            raise invalid_argument("partNumber", number, "1 to 10000 is expected.")
        part = StoredObject(request.body)
        self._find(request).parts[int(number)] = part
        crc = {"x-oss-hash-crc64ecma": str(part.crc64)}
        return Answer(200, {"ETag": f'"{part.etag}"', **crc})

    def _list(self, request: Request) -> Answer:
        root = ET.Element("ListPartsResult")
        add(root, "UploadId", request.query["uploadId"])
        for number, part in sorted(self._find(request).parts.items()):
            element = add(root, "Part")
            add(element, "PartNumber", str(number))
            add(element, "LastModified", iso8601(part.modified))
            add(element, "ETag", f'"{part.etag}"')
            add(element, "Size", str(len(part.data)))
        add(root, "NextPartNumberMarker", "0")
        add(root, "IsTruncated", "false")
        return xml_answer(root)

    def _complete(self, request: Request) -> Answer:
        upload = self._find(request)
        chosen: list[StoredObject] = []
        for element in parse_xml(request.body).iter("Part"):
            part = upload.parts.get(int(element.findtext("PartNumber") or 0))
            if part is None or part.etag != (element.findtext("ETag") or "").strip('"'):
                message = "One or more of the specified parts could not be found."
                raise OssFailure(400, "InvalidPart", message)
            chosen.append(part)
        if any(len(part.data) < MIN_PART_BYTES for part in chosen[:-1]):
            message = "Your proposed upload is smaller than the minimum allowed size."
            raise OssFailure(400, "EntityTooSmall", message)
        whole = replace(
            upload.stored,
            data=b"".join(part.data for part in chosen),
            kind="Multipart",
            parts=len(chosen),
        )
        stored = self._store.put(request.bucket, request.key, whole)
        del self._store.bucket(request.bucket).uploads[request.query["uploadId"]]
        root = ET.Element("CompleteMultipartUploadResult")
        add(root, "Bucket", request.bucket)
        add(root, "Key", request.key)
        add(root, "ETag", f'"{stored.etag}"')
        crc = {"x-oss-hash-crc64ecma": str(stored.crc64)}
        return xml_answer(root, {"ETag": f'"{stored.etag}"', **crc})
