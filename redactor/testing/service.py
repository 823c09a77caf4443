"""What OSS answers to a request, without HTTP: which part of it is asked."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from redactor.testing.errors import OssFailure, method_not_allowed, not_implemented
from redactor.testing.listing import iso8601, list_objects, list_versions
from redactor.testing.messages import Answer, Request, add, parse_xml, xml_answer
from redactor.testing.multipart import Multipart
from redactor.testing.objects import Objects, check_acl
from redactor.testing.store import Store

_UNKNOWN_QUERY = ("append", "lifecycle", "cors", "website", "logging", "worm", "encryption")


class Service:
    """OSS over a store in memory.

    Attributes:
        store: Buckets and objects.
        region: Without `oss-`.
    """

    def __init__(self, store: Store, *, region: str, image_codes_details: bool = False) -> None:
        self.store = store
        self.region = region
        self._objects = Objects(store, image_codes_details=image_codes_details)
        self._multipart = Multipart(store)

    def answer(self, request: Request) -> Answer:
        """Answer a request whose signature has been checked.

        Raises:
            OssFailure: If the answer is an error.
        """
        for name in _UNKNOWN_QUERY:
            if name in request.query:
                raise not_implemented(name)
        if not request.bucket:
            return self._buckets(request)
        if not request.key:
            return self._bucket(request)
        if len(request.key.encode()) > 1023 or request.key[0] in "/\\":
            message = "The specified object is not valid."
            raise OssFailure(400, "InvalidObjectName", message, {"Key": request.key})
        if {"uploads", "uploadId"} & request.query.keys():
            return self._multipart.answer(request)
        return self._objects.answer(request)

    def _buckets(self, request: Request) -> Answer:
        if request.method != "GET":
            raise method_not_allowed(request.method)
        root = ET.Element("ListAllMyBucketsResult")
        buckets = add(root, "Buckets")
        for name in self.store.names():
            self._describe(add(buckets, "Bucket"), name)
        add(root, "IsTruncated", "false")
        return xml_answer(root)

    def _bucket(self, request: Request) -> Answer:
        name, query = request.bucket, request.query
        match request.method:
            case "PUT" if "versioning" in query:
                status = parse_xml(request.body).findtext("Status") or ""
                self.store.bucket(name).versioning = status
                return Answer(200)
            case "PUT":
                return self._create(request)
            case "DELETE":
                self.store.remove(name)
                return Answer(204)
            case "POST" if "delete" in query:
                return self._objects.delete_many(request)
            case "GET":
                return self._tell(request)
        raise method_not_allowed(request.method)

    def _create(self, request: Request) -> Answer:
        name = request.bucket
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name):
            message = "The specified bucket is not valid."
            raise OssFailure(400, "InvalidBucketName", message, {"BucketName": name})
        self.store.create(name)
        if acl := request.headers.get("x-oss-acl"):
            self.store.bucket(name).acl = check_acl(acl)
        return Answer(200)

    def _tell(self, request: Request) -> Answer:
        name, query = request.bucket, request.query
        bucket = self.store.bucket(name)
        if "bucketInfo" in query:
            return self._bucket_info(name)
        if "acl" in query:
            root = ET.Element("AccessControlPolicy")
            add(add(root, "AccessControlList"), "Grant", bucket.acl)
            return xml_answer(root)
        if "versioning" in query:
            root = ET.Element("VersioningConfiguration")
            if bucket.versioning:
                add(root, "Status", bucket.versioning)
            return xml_answer(root)
        if "replication" in query:
            return _replication(bucket.replicas)
        if "versions" in query:
            return list_versions(self.store, name, query)
        return list_objects(self.store, name, query)

    def _bucket_info(self, name: str) -> Answer:
        bucket = self.store.bucket(name)
        root = ET.Element("BucketInfo")
        element = add(root, "Bucket")
        self._describe(element, name)
        owner = add(element, "Owner")
        add(owner, "ID", "1")
        add(owner, "DisplayName", "1")
        add(add(element, "AccessControlList"), "Grant", bucket.acl)
        if bucket.versioning:
            add(element, "Versioning", bucket.versioning)
        return xml_answer(root)

    def _describe(self, element: ET.Element, bucket: str) -> None:
        add(element, "Name", bucket)
        add(element, "Location", f"oss-{self.region}")
        add(element, "Region", self.region)
        add(element, "CreationDate", iso8601(0))
        add(element, "StorageClass", "Standard")
        add(element, "ExtranetEndpoint", "127.0.0.1")
        add(element, "IntranetEndpoint", "127.0.0.1")


def _replication(replicas: tuple[str, ...]) -> Answer:
    if not replicas:
        # Which code OSS sends is undocumented; clients go by the status.
        message = "The bucket has no replication rules."
        raise OssFailure(404, "NoSuchReplicationConfiguration", message)
    root = ET.Element("ReplicationConfiguration")
    for replica in replicas:
        rule = add(root, "Rule")
        add(rule, "ID", f"to-{replica}")
        destination = add(rule, "Destination")
        add(destination, "Bucket", replica)
        add(destination, "Location", "oss-cn-beijing")
        add(rule, "Status", "doing")
        add(rule, "Action", "ALL")
        add(rule, "HistoricalObjectReplication", "disabled")
    return xml_answer(root)
