{#
    On-run-start, and `dbt run-operation create_roles`: creates the roles, and grants them their rights to the database and its schemas. Rights
    to a table are granted when dbt builds it (`grants` in dbt_project.yml). Only what is missing is done: once an administrator has run the
    operation, a user who may not create roles can build.
#}
{% macro create_roles() -%}
    {{ return(adapter.dispatch("create_roles")()) }}
{%- endmacro %}

{# A file has no roles. #}
{% macro default__create_roles() -%}
{%- endmacro %}

{% macro postgres__create_roles() -%}
    {%- if execute -%}
    {%- set rights = role_rights() -%}
    {%- call statement("create_roles", auto_begin=true) %}
    do $permissions$
    declare
        missing text;
    begin
        -- Two runs at the same time would both find the same roles missing.
        perform pg_advisory_xact_lock(hashtext('brokerage_warehouse.create_roles'));

        for missing in
            select format('create role %I', role)
            from unnest(array['{{ rights.roles | join("', '") }}']) as wanted (role)
            where not exists (select from pg_roles where rolname = role)
            union all
            select format('create schema %I', schema)
            from unnest(array['{{ rights.schemas | join("', '") }}']) as wanted (schema)
            where to_regnamespace(schema) is null
        loop
            execute missing;
        end loop;

        -- If somebody else is the owner, Postgres may only warn: what is still missing in the second attempt is an error.
        for attempt in 1..2 loop
            for missing in
                select format('grant %s on database %I to %I', privilege, current_database(), role)
                from (values
                    {%- for role, privilege in rights.on_database %}
                    ('{{ role }}', '{{ privilege }}'){{ "," if not loop.last }}
                    {%- endfor %}
                ) as wanted (role, privilege)
                where not has_database_privilege(role, current_database(), privilege)
                union all
                select format('grant %s on schema %I to %I', privilege, schema, role)
                from (values
                    {%- for role, privilege, schema in rights.on_schemas %}
                    ('{{ role }}', '{{ privilege }}', '{{ schema }}'){{ "," if not loop.last }}
                    {%- endfor %}
                ) as wanted (role, privilege, schema)
                where not has_schema_privilege(role, schema, privilege)
                union all
                select format('grant %s on %s to %I', privilege, pg_class.oid::regclass, role)
                from (values
                    {%- for role, privilege, schema in rights.on_tables %}
                    ('{{ role }}', '{{ privilege }}', '{{ schema }}'){{ "," if not loop.last }}
                    {%- endfor %}
                ) as wanted (role, privilege, schema)
                inner join pg_class on to_regnamespace(schema) = pg_class.relnamespace
                where pg_class.relkind in ('r', 'p') and not has_table_privilege(role, pg_class.oid, privilege)
                union all
                -- The tables that the loader will create. Only a superuser and members of the role may set their privileges.
                select format('grant %I to current_user', creator)
                from unnest(array['{{ rights.on_future_tables | map(attribute=0) | unique | join("', '") }}']) as wanted (creator)
                where not pg_has_role(creator, 'usage') and pg_has_role(creator, 'usage with admin option')
                union all
                select format('alter default privileges for role %I in schema %I grant select on tables to %I', creator, schema, role)
                from (values
                    {%- for creator, schema, role in rights.on_future_tables %}
                    ('{{ creator }}', '{{ schema }}', '{{ role }}'){{ "," if not loop.last }}
                    {%- endfor %}
                ) as wanted (creator, schema, role)
                where not exists (
                    select from pg_default_acl, aclexplode(defaclacl) as granted
                    where
                        defaclrole = creator::regrole
                        and defaclnamespace = to_regnamespace(schema)
                        and granted.grantee = role::regrole
                )
            loop
                if attempt = 2 then
                    raise insufficient_privilege using message = 'not the owner';
                end if;
                execute missing;
            end loop;
        end loop;
    exception when insufficient_privilege then
        raise exception using
            errcode = sqlstate,
            message = format('%s may not "%s" (%s): let an administrator run "dbt run-operation create_roles"', current_user, missing, sqlerrm);
    end
    $permissions$
    {%- endcall %}
    {%- do adapter.commit() %}
    {%- endif %}
{%- endmacro %}
