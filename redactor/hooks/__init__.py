"""Upload hooks: Function Compute, the upload callback of OSS, and an HTTP service.

Hooks run after an upload is stored. So uploads land in a private place, only finished pictures
reach the public one, and what fails stays private until a sweep (`redactor run`) or a person finds
it. Pictures are decoded and looked at in worker processes, with a time-out and a bound on memory.
"""
