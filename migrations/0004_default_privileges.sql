-- Postgres lets everybody execute a new function. Those that exist were closed one by one; whatever
-- pulse_owner makes from here on is its own until a migration grants it to somebody.
ALTER DEFAULT PRIVILEGES FOR ROLE pulse_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
