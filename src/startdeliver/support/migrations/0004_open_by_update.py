from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("support", "0003_list_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("status", "open")),
                fields=["organization", "updated_at"],
                name="ticket_open_updated",
            ),
        ),
    ]
