"""Names what Intercom knows of contacts and companies after Intercom: tables, constraints and indexes."""

from django.db import migrations, models

KEY = ["organization", "workspace", "ref"]


class Migration(migrations.Migration):
    dependencies = [("sync", "0001_squashed")]

    operations = [
        migrations.RenameModel("MirrorCompany", "IntercomCompany"),
        migrations.RenameModel("MirrorContact", "IntercomContact"),
        migrations.RenameIndex("IntercomCompany", "intercomcompany_company_id", old_name="mirrorcompany_company_id"),
        migrations.RenameIndex("IntercomContact", "intercomcontact_email", old_name="mirrorcontact_email"),
        migrations.RenameIndex("IntercomContact", "intercomcontact_external_id", old_name="mirrorcontact_external_id"),
        migrations.RenameIndex("IntercomContact", "intercomcontact_seen", old_name="mirrorcontact_seen"),
        migrations.RemoveConstraint("IntercomCompany", "mirrorcompany_key"),
        migrations.RemoveConstraint("IntercomContact", "mirrorcontact_key"),
        migrations.AddConstraint("IntercomCompany", models.UniqueConstraint(fields=KEY, name="intercomcompany_key")),
        migrations.AddConstraint("IntercomContact", models.UniqueConstraint(fields=KEY, name="intercomcontact_key")),
    ]
