"""HTTP for relying parties: CRLs, OCSP, CA certificates, time stamps."""
